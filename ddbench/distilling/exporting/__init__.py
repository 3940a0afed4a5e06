"""A distilled set written as other programs read it."""
