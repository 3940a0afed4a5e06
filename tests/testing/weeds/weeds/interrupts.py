"""Interrupts the process when it is imported."""

raise KeyboardInterrupt
