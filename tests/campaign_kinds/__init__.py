"""What the campaign tries: one file a kind of attempt; `campaign.py` runs them."""

from __future__ import annotations

from . import damage, foreign, kill, override, record, set_file
from .attempt import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        kill.KIND,
        *damage.KINDS,
        record.KIND,
        set_file.KIND,
        foreign.KIND,
        override.KIND,
    )
}
