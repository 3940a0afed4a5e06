"""Scoring: protocols, and the students that are trained and tested under them."""
