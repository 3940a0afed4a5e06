"""Distillation: the interface of a method, its task, the loop, and the distilled set."""
