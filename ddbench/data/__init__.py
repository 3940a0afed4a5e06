"""Data: sources, splits, input spaces and augmentation."""
