"""The phases of making a set, as the evaluators of cost show them."""

from __future__ import annotations

from ddbench import FinishedRun
from ddbench.records.cost import PhaseCost

MADE_ELSEWHERE = "the set was not made here, so what its making cost is not known"
STEPS = "distil: steps"


def phases(run: FinishedRun) -> dict[str, PhaseCost]:
    """The cost of each phase up to the distilled set, distilling in its parts where known.

    Scoring is left out: what it costs depends on the other evaluators; records have it.
    """
    assert run.making is not None
    shown: dict[str, PhaseCost] = {}
    for name, cost in run.costs.items():
        parts = run.making.parts if name == "distil" else {}
        shown |= {f"{name}: {part}": own for part, own in parts.items()} or {name: cost}
    return shown
