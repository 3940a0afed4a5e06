"""Trackers, one module per library; ddbench depends on none of these libraries."""
