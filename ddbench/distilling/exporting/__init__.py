"""Exporting a distilled set to formats that other programs read."""
