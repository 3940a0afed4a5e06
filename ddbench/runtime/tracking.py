"""Trackers: tools that follow a run from outside, such as TensorBoard.

A run notifies its trackers and never depends on them: the time they take is not part of any cost,
and one that fails is dropped with a note.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import UserError, in_words
from ..plugins.registry import Registry

if TYPE_CHECKING:
    from ..records.record import Record


@dataclass(frozen=True)
class RunBegun:
    """A run begins, or resumes after a stop.

    Args:
        key: key of the run, 24 hexadecimal digits; the same when it resumes.
        folder: folder of the run, whose name is the run's name.
        configuration: the request in plain types, as in `config.yaml`.
    """

    key: str
    folder: Path
    configuration: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.folder.name


@dataclass(frozen=True)
class NetworkScored:
    """An evaluation network was scored, or its score was found.

    Args:
        title: what it was trained on and how, such as "mine hard/1".
        network: its index, from 0.
        accuracy: fraction of images classified correctly, in [0, 1].
    """

    title: str
    network: int
    accuracy: float


class Tracker:
    """A tool that follows a run.

    It is created without arguments when a run that names it begins. For each run, `begun` is called
    first and `ended` last; a run that is already finished makes no calls.
    """

    needs: ClassVar[str | None] = None
    """A module that must be installed; it is imported when the tracker is requested."""

    def begun(self, run: RunBegun) -> None:
        """A run begins, or resumes after a stop."""

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        """A point of the distilling curve; there are about two hundred of them.

        Args:
            step: index of the distilling step, from 0.
            scalars: the scalars that the method's step returned.
        """

    def scored(self, score: NetworkScored) -> None:
        """An evaluation network was scored."""

    def recorded(self, record: Record) -> None:
        """The record was written, next to `distilled.safetensors` and `gallery.png`."""

    def ended(self, error: BaseException | None) -> None:
        """The run has ended: successfully if there is no error, else by a failure or a stop."""


def means(record: Record) -> dict[str, float]:
    """A record's measurements by names that trackers accept, such as "accuracy/hard/1/mine"."""
    return {
        re.sub(r"[^\w. /:-]", "_", "/".join([one.metric, *map(str, one.coordinates.values())])): (
            one.value
        )
        for one in record.measurements
        if one.value is not None
    }


TRACKERS: Registry[Tracker] = Registry(
    "tracker", "ddbench.runtime.trackers", "ddbench.runtime.tracking:Tracker", "ddbench.trackers"
)


def check_trackers(names: tuple[str, ...]) -> None:
    """Check that trackers exist and that the modules they need are installed.

    Raises:
        UserError: one line for the first that cannot be used.
    """
    for name in names:
        needed = TRACKERS[name].needs
        try:
            if needed is not None:
                importlib.import_module(needed)
        except ImportError as error:
            raise UserError(
                f"the tracker {name} needs a package that is not installed ({error}): "
                f"pip install {needed}"
            ) from error


@dataclass
class Tracking:
    """The trackers of a run.

    Args:
        trackers: trackers by their names in messages.
        say: reports a tracker that fails.
    """

    trackers: dict[str, Tracker] = field(default_factory=dict)
    say: Callable[[str], None] = lambda text: None

    def tell(self, tell: Callable[[Tracker], None]) -> None:
        """Notify every tracker; one that fails is dropped."""
        for name, tracker in list(self.trackers.items()):
            try:
                tell(tracker)
            except Exception as error:  # for example if the network is down; the run goes on
                del self.trackers[name]
                self.say(f"note: the tracker {name} is left out, it failed: {in_words(error)}")
