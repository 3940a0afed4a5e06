"""The store: artefacts by the hash of what determines them, written whole or not at all."""
