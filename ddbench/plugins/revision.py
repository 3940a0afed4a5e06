"""The git commit of a file's source."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path


@cache
def file_revision(file: str | Path | None) -> tuple[str | None, bool | None]:
    """The commit of the checkout that tracks a file, and whether its package was changed since.

    Args:
        file: a source file; changes anywhere in its folder count.

    Returns:
        (None, None) for no file, and for one that no checkout tracks.
    """
    if file is None:
        return None, None
    path = Path(file).resolve()
    try:
        git(path.parent, "ls-files", "--error-unmatch", path.name)
        return git(path.parent, "rev-parse", "HEAD"), is_modified(path.parent)
    except (OSError, subprocess.SubprocessError):
        return None, None


def is_modified(folder: Path) -> bool:
    """Whether files that git tracks in a folder differ from their commit."""
    return bool(git(folder, "status", "--porcelain", "--untracked-files=no", "."))


def git(folder: Path, *arguments: str) -> str:
    """The output of a git command.

    Raises:
        OSError: if git is not installed.
        subprocess.SubprocessError: if the command fails, as outside a checkout.
    """
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()
