"""What a run leaves: measurements, costs, the record, statistics, and tables for people."""
