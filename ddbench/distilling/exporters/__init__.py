"""The formats that a distilled set can be exported to, one module each."""
