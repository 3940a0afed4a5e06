"""The cost of a phase of a run: seconds and peak memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Stage = Literal["read", "made", "scored"]
"""The stage of a phase: reading data, making the distilled set, or scoring it."""


@dataclass(frozen=True)
class Phase:
    """A phase of a run.

    Args:
        name: such as "data" or "distil"; for training networks, the name of their stream.
        stage: the stage that it belongs to.
    """

    name: str
    stage: Stage


DATA = Phase("data", "read")
INPUT_SPACE = Phase("input space", "made")
DISTIL = Phase("distil", "made")
SCORED_DATA = Phase("scored data", "scored")
SCORE = Phase("score", "scored")
STEPS = "steps"
"""The part of distilling that consists of its steps."""


@dataclass(frozen=True)
class Peak:
    """The peak memory of a phase, and how it was measured.

    Args:
        kind: "allocated": tensors on the accelerator; "resident": the process on a CPU.
        bytes: peak in bytes.
    """

    kind: Literal["resident", "allocated"]
    bytes: int


@dataclass
class PhaseCost:
    """Seconds and peak bytes of one phase, summed and maximised over the processes that ran it.

    Args:
        wall_seconds: time spent, excluding phases nested inside.
        resident_peak_bytes: largest resident set of the process.
        allocated_peak_bytes: largest total size of tensors on the accelerator; None on a CPU.
        reserved_peak_bytes: largest memory held there by torch's allocator; None on a CPU.
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
        """The limiting peak; None if nothing was measured.

        On an accelerator it is the memory allocated there, even if that is 0: host memory never
        replaces it.
        """
        if self.allocated_peak_bytes is not None:
            return Peak("allocated", self.allocated_peak_bytes)
        return Peak("resident", self.resident_peak_bytes) if self.resident_peak_bytes else None

    def plain(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dict(vars(self))

    @classmethod
    def total(cls, costs: Iterable[dict[str, Any]]) -> PhaseCost:
        """The total cost of several pieces of work done one after another."""
        whole = cls()
        for cost in costs:
            whole.add(cls(**cost))
        return whole


def phase_text(coordinates: Mapping[str, object]) -> str:
    """The phase in a measurement's coordinates as text, with its part if it has one."""
    return ": ".join(str(coordinates[key]) for key in ("phase", "part") if key in coordinates)


def joined(coordinates: Mapping[str, Any]) -> dict[str, Any]:
    """Coordinates for display, with a phase and its part joined."""
    return {
        key: phase_text(coordinates) if key == "phase" else value
        for key, value in coordinates.items()
        if key != "part" or "phase" not in coordinates
    }


def largest_peak(peaks: Iterable[Peak | None]) -> Peak | None:
    """The largest of several peaks, on the accelerator if any was measured there; else None."""
    known = [peak for peak in peaks if peak is not None]
    allocated = [peak for peak in known if peak.kind == "allocated"]
    return max(allocated or known, key=lambda peak: peak.bytes, default=None)
