"""What every plugin has: a registry, settings, presets and recipes."""
