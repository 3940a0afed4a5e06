"""The machine under a run: device, meters, progress, interruption, checkpoints, random numbers."""
