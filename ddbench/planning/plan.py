"""A plan: runs, what each would take, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .estimate import Estimate


@dataclass(frozen=True)
class PlannedRun:
    """One run of a plan.

    Args:
        words: the words of the run.
        phases: what is left to do; none for a run that is finished.
        folder: the folder of its record, if that is there already.
        skips: why the method cannot do the task.
        notes: what the estimate does not know.
    """

    words: tuple[str, ...]
    phases: tuple[Estimate, ...] = ()
    folder: Path | None = None
    skips: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Seconds of all phases whose time is known."""
        return sum(phase.seconds or 0.0 for phase in self.phases)

    @property
    def peak_bytes(self) -> int | None:
        """The largest known peak."""
        known = [phase.peak_bytes for phase in self.phases if phase.peak_bytes is not None]
        return max(known, default=None)

    @property
    def disk_bytes(self) -> int:
        """Bytes that stay on disk."""
        return sum(phase.disk_bytes for phase in self.phases)


@dataclass(frozen=True)
class Plan:
    """Planned runs; work that several need is counted in the first of them.

    Args:
        runs: the runs, in the order in which they are done.
        unmeasured: about how many seconds of measuring were left out.
    """

    runs: tuple[PlannedRun, ...]
    unmeasured: float = 0.0

    @property
    def left(self) -> list[PlannedRun]:
        """The runs that would do something."""
        return [run for run in self.runs if run.folder is None and run.skips is None]

    @property
    def seconds(self) -> float:
        """Seconds of all runs, one after the other."""
        return sum(run.seconds for run in self.runs)

    @property
    def peak_bytes(self) -> int | None:
        """The peak of the largest run."""
        peaks = [run.peak_bytes for run in self.runs if run.peak_bytes is not None]
        return max(peaks, default=None)

    @property
    def disk_bytes(self) -> int:
        """Bytes on disk of all runs."""
        return sum(run.disk_bytes for run in self.runs)

    @property
    def shared(self) -> dict[str, int]:
        """How many pools of networks there are to train, by their stream."""
        counts: dict[str, int] = {}
        for phase in (phase for run in self.runs for phase in run.phases if phase.pool):
            counts[phase.phase.name] = counts.get(phase.phase.name, 0) + 1
        return counts

    def plain(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "runs": [
                {
                    "words": list(run.words),
                    "folder": str(run.folder) if run.folder else None,
                    "skips": run.skips,
                    "notes": list(run.notes),
                    "seconds": run.seconds,
                    "peak_bytes": run.peak_bytes,
                    "disk_bytes": run.disk_bytes,
                    "phases": [
                        {
                            "phase": one.phase.name,
                            "stage": one.phase.stage,
                            "what": one.what,
                            "seconds": one.seconds,
                            "peak_bytes": one.peak_bytes,
                            "disk_bytes": one.disk_bytes,
                        }
                        for one in run.phases
                    ],
                }
                for run in self.runs
            ],
            "to_do": len(self.left),
            "seconds": self.seconds,
            "peak_bytes": self.peak_bytes,
            "disk_bytes": self.disk_bytes,
        }
