"""Studies: named experiments of several sweeps that produce one table and its figures."""
