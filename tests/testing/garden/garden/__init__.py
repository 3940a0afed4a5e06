"""A plugin of each kind, written with the public names of ddbench alone."""
