"""What others distilled and released: read, questioned, and made a distilled set."""
