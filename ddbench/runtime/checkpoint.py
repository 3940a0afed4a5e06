"""Checkpoints: the state of unfinished work, saved periodically and when a stop is requested."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import torch

from ..errors import UserError
from ..store.files import replacing
from ..store.store import remove_leftovers
from .device import Execution

PIECE_BYTES = 2**22
"""Bytes of a checkpoint that are read at a time while it is checked."""


class Checkpoint:
    """One file with the state of one piece of work.

    Args:
        path: path of the file.
        seconds: minimum time between two periodic saves.
        execution: device and threads; the results of a resumed run depend on them.
        code: facts about the code that computes, in plain JSON types.
        passes_over: takes the code that saved a state; returns whether to ignore that state.
    """

    def __init__(
        self,
        path: Path,
        seconds: float,
        execution: Execution,
        code: Sequence[Mapping[str, Any]] = (),
        passes_over: Callable[[Sequence[Mapping[str, Any]]], bool] = lambda code: False,
    ) -> None:
        self.path = path
        self.seconds = seconds
        self.execution = execution
        self.code = list(code)
        self.passes_over = passes_over
        self._last = time.monotonic()
        self._threads = execution.threads

    def load(self) -> dict[str, Any] | None:
        """The saved state, or None; its number of threads is used until `remove`.

        The caller holds the artefact's lock.

        Raises:
            UserError: if it is damaged, or this process cannot reproduce its device.
        """
        remove_leftovers(self.path.parent, self.path.stem)
        if not self.path.exists():
            return None
        damaged = UserError(
            f"checkpoint {self.path} is damaged; remove it to start this part again"
        )
        if not _is_whole(self.path):
            raise damaged
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
            execution, state = saved["execution"], saved["state"]
            code = saved.get("code", [])
            assert isinstance(state, dict)
        except Exception as error:  # a damaged pickle may raise anything
            raise damaged from error
        if self.passes_over(code):
            return None
        self.execution.continue_from(execution, self.path)
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file, without copying the state, which may fill half the memory."""
        try:
            with replacing(self.path) as file:
                hashed = _Hashed(file, self.path)
                execution = self.execution.plain()
                whole = {"execution": execution, "code": self.code, "state": state}
                torch.save(whole, hashed)  # type: ignore[arg-type]
                file.write(hashed.digest())
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # torch hides a full disk behind its own
                raise error.__context__ from None
            raise
        self._last = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last save was at least `seconds` ago."""
        return time.monotonic() - self._last >= self.seconds

    def remove(self) -> None:
        """Delete the state once the work is done."""
        self.path.unlink(missing_ok=True)
        if self.execution.threads != self._threads:
            self.execution.use_threads(self._threads)


class _Hashed:
    """A file that hashes what is written to it.

    The hash includes the file's name, so a checkpoint renamed to another's name is invalid.
    """

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._hash = hashlib.sha256(path.name.encode())

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def digest(self) -> bytes:
        return self._hash.digest()


def _is_whole(path: Path) -> bool:
    """Whether a checkpoint matches the hash at its end."""
    found = hashlib.sha256(path.name.encode())
    left = path.stat().st_size - found.digest_size
    with path.open("rb") as file:
        while left > 0 and (piece := file.read(min(left, PIECE_BYTES))):
            found.update(piece)
            left -= len(piece)
        return left == 0 and file.read() == found.digest()
