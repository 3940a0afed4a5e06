"""The stored networks that a piece of work uses, regardless of which run trained them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..store.store import Artefact

Used = dict[str, dict[str, Artefact]]
"""Artefacts by stream ("teacher", "expert", "whole", …) and key."""


class Ledger:
    """Notes every network that is used, so that records can state what a set was made with."""

    def __init__(self) -> None:
        self._used: Used = {}

    def add(self, stream: str, networks: Iterable[Artefact]) -> None:
        """Note that networks of a stream are used; each counts only once."""
        self._used.setdefault(stream, {}).update({one.key: one for one in networks})

    @contextmanager
    def recording(self) -> Iterator[Used]:
        """Collect the networks used in the block, separately from those used outside it."""
        outside, self._used = self._used, {}
        try:
            yield self._used
        finally:
            self._used = outside
