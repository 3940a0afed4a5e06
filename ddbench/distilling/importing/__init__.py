"""Importing released sets: reading them, checking them, and converting them to distilled sets."""
