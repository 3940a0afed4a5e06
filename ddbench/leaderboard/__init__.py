"""Leaderboards: tables and a page that are a pure function of a folder of records."""
