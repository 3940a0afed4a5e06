"""In-tree architectures, one file each."""
