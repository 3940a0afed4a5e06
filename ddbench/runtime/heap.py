"""Main memory that a process has freed: kept for its next use, and given back between phases.

The C library of Linux returns a large block to the kernel as soon as it is freed, and the next one
of the same size is handed out page by page, each of them a fault that the kernel answers by filling
it with zeros. A training step frees and takes its feature maps again and again: kept, they make it
1.2 to 3 times as fast, with the same bits. What is kept counts as memory of the process, so it is
given back before a phase whose memory is measured.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

_MAPPED_BLOCKS, _TRIM_THRESHOLD = -4, -1
"""M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h."""


def keep_freed_memory() -> None:
    """Take all blocks from the heap, and leave it as large as it has become; glibc only."""
    library = _glibc()
    if library is not None:
        library.mallopt(_MAPPED_BLOCKS, 0)
        library.mallopt(_TRIM_THRESHOLD, -1)  # never of its own accord


def give_back_freed_memory() -> None:
    """Return freed pages to the operating system; glibc only."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    """The C library where it is glibc; None elsewhere."""
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018
    except (OSError, AttributeError, TypeError):  # TypeError: Windows has no library without a name
        return None
    library.malloc_trim.argtypes = [ctypes.c_size_t]
    return library
