"""Configuration: Hydra groups, and the published hyper-parameters of each method."""
