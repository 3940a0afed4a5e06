"""Training one network of a record again, to check the recorded accuracy."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from ..distilling.distilled_set import DistilledSet
from ..errors import UserError
from ..records.checking import is_own_accuracy
from ..records.measurement import Measurement
from ..records.record import Record
from ..scoring.protocols import PROTOCOLS, Labels
from .overrides import as_text
from .score_file import score_set

LEAST_TOLERANCE = 0.03
"""A network retrained on another machine differs about as much as two networks do."""


SPREADS = 3


# The cheapest first: labels that are in the file, so that no label teacher is trained.
CHEAPEST = (Labels.hard, Labels.smoothed, Labels.own)


@dataclass(frozen=True)
class Rescore:
    """The result of training one network again.

    Args:
        protocol: label of the protocol.
        recorded: the accuracy in the record.
        found: the accuracy now.
        tolerance: the largest difference allowed.
    """

    protocol: str
    recorded: float
    found: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the two accuracies agree within the tolerance."""
        return abs(self.found - self.recorded) <= self.tolerance


def rescore(
    record: Record, distilled: DistilledSet, overrides: Sequence[str] = (), quiet: bool = False
) -> Rescore:
    """Train evaluation network 0 on the set again, under the cheapest protocol of the record.

    Args:
        record: a record with accuracies.
        distilled: its set.
        overrides: further keys of `ddbench evaluate`, such as data_root.
        quiet: print nothing.

    Raises:
        UserError: if it cannot be repeated here, for example because the protocol is unknown.
    """
    m = _cheapest(record)
    protocol = str(m.coordinates["protocol"])
    task = record.task
    model = [f"model.{name}={as_text(value)}" for name, value in task.model.settings.items()]
    dataset = [f"dataset.{name}={as_text(v)}" for name, v in task.dataset.all_settings.items()]
    fractions = [
        f"budget.{name}={value!r}"
        for name, value in record.budget.plain().items()
        if name not in ("name", "networks")
    ]
    # A separate store, so that the score is not found in the one where the record was made.
    with tempfile.TemporaryDirectory() as root:
        measured = score_set(
            distilled,
            [
                f"model={task.model.name}",
                *model,
                *dataset,
                f"budget={record.budget.name}",
                *fractions,
                "budget.networks=1",
                f"protocols=[{protocol}]",
                "evaluators=[accuracy]",
                "control=null",
                f"network_seed={task.network_seed}",
                f"runs_root={root}",
                *overrides,
            ],
            quiet,
        ).record.measurements
    values = [one.value for one in measured if is_own_accuracy(one) and one.value is not None]
    if not values:
        raise UserError(f"the set cannot be scored under {protocol} here: {measured[0].note}")
    spread = statistics.stdev(m.values) if len(m.values) > 1 else 0.0
    return Rescore(protocol, m.values[0], values[0], max(LEAST_TOLERANCE, SPREADS * spread))


def _cheapest(record: Record) -> Measurement:
    own = {
        str(m.coordinates["protocol"]): m
        for m in record.measurements
        if is_own_accuracy(m)
        and m.value is not None
        and m.coordinates["subject"] == record.method.name
    }
    known = {protocol.label: protocol for protocol in PROTOCOLS.values()}
    usable = sorted(label for label in own if label in known)
    if not usable:
        there = ", ".join(sorted(own)) or "none"
        raise UserError(
            f"no accuracy can be repeated: protocols of the record: {there}; this version of "
            f"ddbench has {', '.join(known)}; rescore=false leaves that out"
        )

    def dear(label: str) -> int:
        labels = known[label].labels
        return CHEAPEST.index(labels) if labels in CHEAPEST else len(CHEAPEST)

    return own[min(usable, key=dear)]
