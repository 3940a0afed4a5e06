"""Readers of the file formats that datasets are published in."""
