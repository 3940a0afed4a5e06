"""Seconds, bytes and images per class as readable text."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..errors import UserError, shortened

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def duration(seconds: float) -> str:
    """Seconds as readable text: `41 s`, `12 min`, `3.5 h`, `6 days`."""
    if seconds == float("inf"):
        return "unknown time"
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def size(count: int) -> str:
    """Bytes as readable text: "312 MB"."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def bytes_of(text: str) -> int:
    """The number of bytes in an amount such as "8GB".

    Raises:
        UserError: if the text is not such an amount.
    """
    found = _AMOUNT.fullmatch(text.strip())
    amount = round(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if amount < 1:
        raise UserError(f"{shortened(text)}: must be an amount of bytes such as 800MB or 8GB")
    return amount


def images_per_class(counts: Collection[int]) -> str:
    """Images per class as text: "10", or "1 to 5" if classes differ."""
    least, most = min(counts), max(counts)
    return str(most) if least == most else f"{least} to {most}"
