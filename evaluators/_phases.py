"""The phases of making a set, as shown by the evaluators of cost."""

from __future__ import annotations

from ddbench import Coordinates, FinishedRun
from ddbench.records.cost import DISTIL, PhaseCost

MADE_ELSEWHERE = "the set was not made here, so what its making cost is not known"


def phases(run: FinishedRun) -> list[tuple[Coordinates, PhaseCost]]:
    """The cost of each phase up to the distilled set, with distilling split into parts if known.

    Each has the coordinate `phase` and, for a part, `part`. Scoring is left out, as its cost
    depends on the other evaluators; records contain it.
    """
    assert run.making is not None
    shown: list[tuple[Coordinates, PhaseCost]] = []
    for phase, cost in run.costs.items():
        parts = run.making.parts if phase == DISTIL else {}
        if parts:
            shown += [({"phase": phase.name, "part": part}, own) for part, own in parts.items()]
        else:
            shown.append(({"phase": phase.name}, cost))
    return shown
