"""Networks: the contract of a model and the in-tree architectures."""
