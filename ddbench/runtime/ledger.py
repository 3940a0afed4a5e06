"""Which stored networks a piece of work asked for, whoever made them and whenever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..store.store import Artefact

Used = dict[str, dict[str, Artefact]]
"""Artefacts by stream ("teacher", "expert", "whole", …) and key."""


class Ledger:
    """Notes every network that is asked for, so that records can tell what a set was made with."""

    def __init__(self) -> None:
        self._used: Used = {}

    def add(self, stream: str, networks: Iterable[Artefact]) -> None:
        """Note that networks of a stream are used; one that is noted already counts once."""
        self._used.setdefault(stream, {}).update({one.key: one for one in networks})

    @contextmanager
    def recording(self) -> Iterator[Used]:
        """Collect what is used in a block, apart from what is used around it."""
        outside, self._used = self._used, {}
        try:
            yield self._used
        finally:
            self._used = outside
