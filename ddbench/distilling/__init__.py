"""Distilling: the contract of a method, its task, the loop, and the distilled set."""
