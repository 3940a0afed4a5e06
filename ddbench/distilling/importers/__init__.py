"""The formats that distilled sets are released in, one file each."""
