"""Trackers: what follows a run from outside, such as TensorBoard.

A run tells its trackers what happens and needs nothing of them: the time they take is in no cost,
and one that fails is left out from there on, with a note.
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
    """A run begins, or goes on after a stop.

    Args:
        key: of the run, 24 hexadecimal digits; the same when it goes on.
        folder: of the run, whose name people know it by.
        configuration: what was asked for, in plain types, as in `config.yaml`.
    """

    key: str
    folder: Path
    configuration: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the run."""
        return self.folder.name


@dataclass(frozen=True)
class NetworkScored:
    """An evaluation network is scored, or its score was found.

    Args:
        title: what it was trained on and how, such as "mine hard/1".
        network: its number, from 0.
        accuracy: fraction of images classified rightly, in [0, 1].
    """

    title: str
    network: int
    accuracy: float


class Tracker:
    """Something that follows a run.

    It is made without arguments when a run begins that names it. Of each run it is told `begun`
    first and `ended` last; a run that is finished already tells nothing.
    """

    needs: ClassVar[str | None] = None
    """The module that must be installed, which is imported when the tracker is asked for."""

    def begun(self, run: RunBegun) -> None:
        """A run begins, or goes on after a stop."""

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        """A point of the curve of distilling; there are some two hundred of them.

        Args:
            step: of distilling, from 0.
            scalars: what the method's step returned.
        """

    def scored(self, score: NetworkScored) -> None:
        """An evaluation network is scored."""

    def recorded(self, record: Record) -> None:
        """The record is written, beside `distilled.safetensors` and `gallery.png`."""

    def ended(self, error: BaseException | None) -> None:
        """The run has ended: well where there is no error, else by a failure or a stop."""


def means(record: Record) -> dict[str, float]:
    """What a record measured, by names that trackers take, such as "accuracy/hard/1/mine"."""
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
    """Make sure that trackers exist and that what they need is installed.

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
        trackers: by what messages call them.
        say: tells people of one that fails.
    """

    trackers: dict[str, Tracker] = field(default_factory=dict)
    say: Callable[[str], None] = lambda text: None

    def tell(self, tell: Callable[[Tracker], None]) -> None:
        """Tell every tracker something; one that fails is told nothing more."""
        for name, tracker in list(self.trackers.items()):
            try:
                tell(tracker)
            except Exception as error:  # the network may be down, and the run is worth more
                del self.trackers[name]
                self.say(f"note: the tracker {name} is left out, it failed: {in_words(error)}")
