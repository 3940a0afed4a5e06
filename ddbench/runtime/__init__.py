"""The environment of a run: device, meters, progress, interruption, checkpoints, random numbers."""
