"""What a phase of a run costs: seconds and peak memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Stage = Literal["read", "made", "scored"]
"""What a phase belongs to: reading data, making the distilled set, or scoring it."""


@dataclass(frozen=True)
class Phase:
    """A phase of a run.

    Args:
        name: such as "data" or "distil"; of networks that are trained, the name of their stream.
        stage: what it belongs to.
    """

    name: str
    stage: Stage


DATA = Phase("data", "read")
INPUT_SPACE = Phase("input space", "made")
DISTIL = Phase("distil", "made")
SCORED_DATA = Phase("scored data", "scored")
SCORE = Phase("score", "scored")
STEPS = "steps"
"""The part of distilling that is its steps."""


@dataclass(frozen=True)
class Peak:
    """The largest memory of a phase, and where it was read.

    Args:
        kind: "allocated": tensors on the accelerator; "resident": the process on a CPU.
        bytes: at most.
    """

    kind: Literal["resident", "allocated"]
    bytes: int


@dataclass
class PhaseCost:
    """Seconds and peak bytes of one phase, summed and maximised over the processes that ran it.

    Args:
        wall_seconds: time spent, without phases begun inside.
        resident_peak_bytes: largest resident set of the process.
        allocated_peak_bytes: largest sum of tensors on the accelerator; None on a CPU.
        reserved_peak_bytes: largest memory held by torch's allocator there; None on a CPU.
    """

    wall_seconds: float = 0.0
    resident_peak_bytes: int = 0
    allocated_peak_bytes: int | None = None
    reserved_peak_bytes: int | None = None

    def add(self, more: PhaseCost) -> None:
        """Sum the seconds and take the larger of each peak."""
        self.wall_seconds += more.wall_seconds
        self.resident_peak_bytes = max(self.resident_peak_bytes, more.resident_peak_bytes)
        for name in ("allocated_peak_bytes", "reserved_peak_bytes"):
            values = [v for v in (getattr(self, name), getattr(more, name)) if v is not None]
            setattr(self, name, max(values, default=None))

    @property
    def peak(self) -> Peak | None:
        """The peak that limits; None where nothing was measured.

        On an accelerator it is what was allocated there, also where that is nothing: the memory of
        the host never stands in for it.
        """
        if self.allocated_peak_bytes is not None:
            return Peak("allocated", self.allocated_peak_bytes)
        return Peak("resident", self.resident_peak_bytes) if self.resident_peak_bytes else None

    def plain(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dict(vars(self))

    @classmethod
    def total(cls, costs: Iterable[dict[str, Any]]) -> PhaseCost:
        """The cost of several pieces of work done one after the other."""
        whole = cls()
        for cost in costs:
            whole.add(cls(**cost))
        return whole


def phase_text(coordinates: Mapping[str, object]) -> str:
    """The phase among coordinates, with its part where there is one, for people."""
    return ": ".join(str(coordinates[key]) for key in ("phase", "part") if key in coordinates)


def joined(coordinates: Mapping[str, Any]) -> dict[str, Any]:
    """Coordinates for people, in which a phase and its part are one."""
    return {
        key: phase_text(coordinates) if key == "phase" else value
        for key, value in coordinates.items()
        if key != "part" or "phase" not in coordinates
    }


def largest_peak(peaks: Iterable[Peak | None]) -> Peak | None:
    """The largest of several peaks, on the accelerator where any was read there; None of none."""
    known = [peak for peak in peaks if peak is not None]
    allocated = [peak for peak in known if peak.kind == "allocated"]
    return max(allocated or known, key=lambda peak: peak.bytes, default=None)
