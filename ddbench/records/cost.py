"""What a phase of a run costs: seconds and peak memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


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
    def peak_bytes(self) -> int:
        """The peak that limits: allocated on an accelerator, resident on a CPU."""
        return self.allocated_peak_bytes or self.resident_peak_bytes

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
