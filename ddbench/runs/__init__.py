"""Runs, from configuration to record."""
