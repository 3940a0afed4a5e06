"""The store: artefacts by the hash of what determines them, written atomically."""
