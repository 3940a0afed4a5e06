"""Freed main memory: kept for its next use, and returned to the system between phases.

On Linux the C library returns a large block to the kernel as soon as it is freed, and the next one
of the same size is allocated page by page, each with a page fault in which the kernel zeroes the
page. A training step frees and allocates its feature maps repeatedly: keeping them makes it 1.2 to
3 times as fast, with the same bits. Kept memory counts as memory of the process, so it is returned
before each phase whose memory is measured.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

_MAPPED_BLOCKS, _TRIM_THRESHOLD = -4, -1
"""M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h."""


def keep_freed_memory() -> None:
    """Allocate all blocks from the heap, and never shrink it automatically; glibc only."""
    library = _glibc()
    if library is not None:
        library.mallopt(_MAPPED_BLOCKS, 0)
        library.mallopt(_TRIM_THRESHOLD, -1)  # never trim automatically


def give_back_freed_memory() -> None:
    """Return freed pages to the operating system; glibc only."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    """The C library if it is glibc, else None."""
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018
    except (OSError, AttributeError, TypeError):  # TypeError: Windows needs a library's name
        return None
    library.malloc_trim.argtypes = [ctypes.c_size_t]
    return library
