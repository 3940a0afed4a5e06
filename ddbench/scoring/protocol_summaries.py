"""What each protocol is, in a line, for help and lists, which answer without torch."""

from __future__ import annotations

from ..plugins.presets import preset

FILE = "protocols"
"""The file of `configs/` whose entries are the protocols."""


def protocol_summaries() -> dict[str, str]:
    """The name and version of every protocol, such as "hard/1", with what it is."""
    return {
        f"{name}/{facts['version']}": facts["summary"] for name, facts in preset(".", FILE).items()
    }
