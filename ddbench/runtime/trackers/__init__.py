"""Trackers by the libraries that they write to, none of which ddbench depends on."""
