"""Seconds, bytes and images per class as text for people."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..errors import UserError, shortened

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def duration(seconds: float) -> str:
    """Seconds in words that people read: `41 s`, `12 min`, `3.5 h`, `6 days`."""
    if seconds == float("inf"):
        return "unknown time"
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def size(count: int) -> str:
    """Bytes in words that people read: "312 MB"."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def bytes_of(text: str) -> int:
    """The bytes of an amount such as "8GB".

    Raises:
        UserError: for what is no such amount.
    """
    found = _AMOUNT.fullmatch(text.strip())
    amount = round(float(found[1]) * _UNITS[found[2].lower()]) if found else 0
    if amount < 1:
        raise UserError(f"{shortened(text)}: must be an amount of bytes such as 800MB or 8GB")
    return amount


def images_per_class(counts: Collection[int]) -> str:
    """Numbers of images of each class in words: "10", or "1 to 5" where they are not all alike."""
    least, most = min(counts), max(counts)
    return str(most) if least == most else f"{least} to {most}"
