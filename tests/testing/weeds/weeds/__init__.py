"""Plugins that break a promise each."""
