"""Studies: named experiments of several sweeps that end in one table and its pictures."""
