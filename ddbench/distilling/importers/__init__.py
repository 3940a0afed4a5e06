"""The formats that distilled sets are released in, one module each."""
