"""The error message for a failed download."""

from __future__ import annotations

from pathlib import Path

from ...errors import UserError


def not_downloaded(title: str, folder: Path, error: Exception, by_hand: str) -> UserError:
    """One line with the reason, and how to get the files without the program.

    Args:
        title: of the data set.
        folder: where its files belong.
        error: what the download raised.
        by_hand: the end of the sentence, such as "put ADDRESS there".
    """
    reason = " ".join(str(error).split()) or "no reason given"
    return UserError(
        f"{title} cannot be downloaded to {folder} ({type(error).__name__}: {reason}); {by_hand}"
    )
