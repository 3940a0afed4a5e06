"""The formats that a distilled set is written in, one file each."""
