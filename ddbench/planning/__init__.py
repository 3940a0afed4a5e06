"""What runs would take, told before they begin: cells, seconds, memory and disk."""
