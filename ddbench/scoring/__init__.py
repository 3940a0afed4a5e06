"""Scoring: protocols, and the students trained and tested under them."""
