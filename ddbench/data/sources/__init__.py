"""In-tree datasets, one file each."""
