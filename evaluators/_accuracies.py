"""Accuracies of the networks of a subject under a named protocol, for evaluators that compare."""

from __future__ import annotations

from ddbench import FinishedRun
from ddbench.scoring.protocols import PROTOCOLS

NO_CONTROL = "there is no control to compare with; give one, such as control=random"


def control_of(run: FinishedRun) -> str | None:
    """The name of the control, or None."""
    names = list(run.subjects)
    return names[1] if len(names) > 1 else None


def accuracies(run: FinishedRun, subject: str, protocol: str) -> tuple[float, ...]:
    """The accuracy of each evaluation network.

    Args:
        run: supplies the scores.
        subject: name of the set.
        protocol: name of the protocol, in its current version.

    Raises:
        NotScorable: when the subject lacks what the protocol needs.
    """
    rules = PROTOCOLS[protocol]
    return tuple(score.accuracy for score in run.scores(subject, rules))


def whole_accuracies(run: FinishedRun) -> tuple[float, ...]:
    """The accuracy of each network trained on all real data by the teacher recipe."""
    return tuple(run.score_whole(index).accuracy for index in range(run.budget.whole_networks))
