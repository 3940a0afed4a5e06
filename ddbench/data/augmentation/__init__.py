"""Differentiable augmentation of images."""
