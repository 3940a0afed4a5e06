"""Checkpoints: the state of unfinished work, kept by time and when a stop is requested."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError
from ..store.files import replacing
from ..store.store import remove_leftovers
from .device import Execution


class Checkpoint:
    """One file with the state of one piece of work.

    Args:
        path: of the file.
        seconds: the least time between two periodic saves.
        execution: what computes; the numbers of a resumed run depend on it.
    """

    def __init__(self, path: Path, seconds: float, execution: Execution) -> None:
        self.path = path
        self.seconds = seconds
        self.execution = execution
        self._last = time.monotonic()
        self._threads = execution.threads

    def load(self) -> dict[str, Any] | None:
        """The saved state, or None; until `remove`, its number of threads is used.

        The caller holds the lock of what is made.

        Raises:
            UserError: when it is damaged, or was computed on what this process cannot repeat.
        """
        remove_leftovers(self.path.parent, self.path.stem)
        if not self.path.exists():
            return None
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
            execution, state = saved["execution"], saved["state"]
            assert isinstance(state, dict)
        except OSError:
            raise
        except Exception as error:  # a damaged pickle may fail in any way at all
            raise UserError(
                f"checkpoint {self.path} is damaged; remove it to start this part again"
            ) from error
        self.execution.continue_from(execution, self.path)
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file; nothing is copied on the way, for a state may fill half the memory."""
        try:
            with replacing(self.path) as file:
                torch.save({"execution": self.execution.plain(), "state": state}, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # torch hides a full disk behind its own
                raise error.__context__ from None
            raise
        self._last = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._last >= self.seconds

    def save_if_due(self, state: Callable[[], dict[str, Any]]) -> None:
        """Save when the last save is long enough ago."""
        if self.due:
            self.save(state())

    def remove(self) -> None:
        """Forget the state, once the work is done."""
        self.path.unlink(missing_ok=True)
        if self.execution.threads != self._threads:
            self.execution.use_threads(self._threads)
