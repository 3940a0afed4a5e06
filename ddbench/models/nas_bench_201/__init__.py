"""NAS-Bench-201: its cells, the table of their accuracies, and the archive they come from."""
