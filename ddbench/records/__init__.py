"""The results of a run: measurements, costs, the record, statistics, and printed tables."""
