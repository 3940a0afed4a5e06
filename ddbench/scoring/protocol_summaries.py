"""One-line summaries of protocols, for help and lists, without importing torch."""

from __future__ import annotations

from ..plugins.presets import preset

FILE = "protocols"
"""The file in `configs/` that defines the protocols."""


def protocol_summaries() -> dict[str, str]:
    """The summary of every protocol by its label, such as "hard/1"."""
    return {
        f"{name}/{facts['version']}": facts["summary"] for name, facts in preset(".", FILE).items()
    }
