"""Pages of leaderboards, made of a few records."""

from __future__ import annotations

import io

from PIL import Image

from ddbench.leaderboard.page import page
from ddbench.leaderboard.reading import Reading
from ddbench.leaderboard.tables import results_of
from ddbench.records.record import Record


def png() -> bytes:
    """A red picture of 8 x 8."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return buffer.getvalue()


def page_of(*records: Record, galleries: dict[str, bytes] | None = None) -> str:
    """The page of records, with pictures by the names of their runs."""
    results = results_of(records)
    return page(results, Reading(records=list(records), read=len(records)), galleries or {})
