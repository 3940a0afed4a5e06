"""Prediction of what runs would take: cells, seconds, memory and disk."""
