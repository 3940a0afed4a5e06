"""Who stands where on a board: estimates, ties, ranks, and every pair compared."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ..records.cost import DISTIL, Peak, largest_peak
from ..records.record import Record
from ..records.report import recorded_lines
from ..records.statistics import (
    Estimate,
    holm,
    one_of_each,
    over_seeds_and_networks,
    paired_difference,
)
from .boards import Board, Cell, Variant


@dataclass(frozen=True)
class Making:
    """What a set cost: medians over seeds, the largest peak.

    Args:
        storage_bytes: of images and labels.
        distil_seconds: of the updates of the set; None where it was made elsewhere.
        other_seconds: of teachers, experts and whatever else was trained or fitted before.
        networks_bytes: of teachers and experts.
        peak: largest memory, on the accelerator where there is one; None if not measured.
        device: where; "" where that was elsewhere.
    """

    storage_bytes: int
    distil_seconds: float | None
    other_seconds: float
    networks_bytes: int
    peak: Peak | None
    device: str

    @classmethod
    def of(cls, records: Iterable[Record]) -> Making:
        """The cost of sets that differ in their seed."""
        each = [_making(record) for record in records]
        return cls(
            storage_bytes=max(one.storage_bytes for one in each),
            distil_seconds=_median([one.distil_seconds for one in each]),
            other_seconds=statistics.median(one.other_seconds for one in each),
            networks_bytes=max(one.networks_bytes for one in each),
            peak=largest_peak(one.peak for one in each),
            device="; ".join(sorted({one.device for one in each})),
        )


def _median(seconds: Sequence[float | None]) -> float | None:
    known = [one for one in seconds if one is not None]
    return statistics.median(known) if known else None


def _making(record: Record) -> Making:
    made = [cost for cost in record.costs if cost.stage == "made"]
    distilling = record.distilling
    return Making(
        record.distilled.storage_bytes,
        distilling.wall_seconds if distilling else None,
        sum(cost.wall_seconds for cost in made if cost.phase != DISTIL.name),
        sum(pool.bytes for pool in record.networks if pool.stage == "made"),
        largest_peak(cost.peak for cost in made),
        "" if record.origin else record.environment.device_name,
    )


@dataclass(frozen=True)
class Standing:
    """One row of a board.

    Args:
        ipc: images per class.
        variant: the method as it was run.
        beaten_by: how many methods have a paired difference from it whose interval is above 0; None
            where it was not scorable.
        accuracy: fraction of the test images; None where it was not scorable.
        control: of the control beside it, on the seeds that have one.
        control_name: of the control.
        difference: the method less its control.
        making: what the set cost.
        seeds: distillation seeds with a record.
        runs: keys of the records.
        notes: what a reader must know.
    """

    ipc: int
    variant: Variant
    beaten_by: int | None
    accuracy: Estimate | None
    control: Estimate | None
    control_name: str
    difference: Estimate | None
    making: Making
    seeds: tuple[int, ...]
    runs: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def rank(self) -> int | None:
        """One more than the number of methods that beat it; None where it was not scorable."""
        return None if self.beaten_by is None else 1 + self.beaten_by


@dataclass(frozen=True)
class Pair:
    """Two methods of one board and ipc compared.

    Args:
        ipc: images per class.
        first: the one with the larger mean.
        second: the other.
        difference: of accuracies, network by network.
        p: of the paired t test; None where there is one value only.
        p_holm: corrected for the pairs of this board and ipc.
    """

    ipc: int
    first: Variant
    second: Variant
    difference: Estimate
    p: float | None
    p_holm: float | None


@dataclass
class Standings:
    """A board with its rows and pairs, by ipc, best first."""

    board: Board
    rows: list[Standing] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)


def standings(board: Board, by_ipc: Mapping[int, Mapping[Variant, Cell]]) -> Standings:
    """Rank the methods of a board, at each ipc for itself."""
    made = Standings(board)
    for ipc, by_variant in sorted(by_ipc.items()):
        rows, pairs = _at_one_ipc(ipc, by_variant)
        made.rows += rows
        made.pairs += pairs
    return made


def _at_one_ipc(ipc: int, by_variant: Mapping[Variant, Cell]) -> tuple[list[Standing], list[Pair]]:
    estimates = {variant: cell.estimate() for variant, cell in by_variant.items() if cell.scores}
    order = sorted(estimates, key=lambda variant: (-estimates[variant].mean, variant))
    beaten_by = [0] * len(order)
    differences = {}
    for a, b in combinations(range(len(order)), 2):
        scores = (by_variant[order[a]].scores, by_variant[order[b]].scores)
        difference = differences[a, b] = paired_difference(*scores)
        if not difference.holds_zero:
            beaten_by[b if difference.mean > 0 else a] += 1
    rows = [
        _row(ipc, variant, by_variant[variant], estimates[variant], beaten)
        for variant, beaten in zip(order, beaten_by, strict=True)
    ]
    unscored = [variant for variant in sorted(by_variant) if variant not in estimates]
    rows += [_row(ipc, variant, by_variant[variant], None, None) for variant in unscored]
    # A noisy method that few beat may have a better rank than one with a larger mean.
    rows.sort(key=lambda row: (row.rank is None, row.rank or 0))
    p_values = {place: difference.p for place, difference in differences.items()}
    tested = [(place, p) for place, p in p_values.items() if p is not None]
    corrected = dict(zip((place for place, _ in tested), holm([p for _, p in tested]), strict=True))
    pairs = [
        Pair(ipc, order[a], order[b], difference, p_values[a, b], corrected.get((a, b)))
        for (a, b), difference in differences.items()
    ]
    return rows, pairs


def _row(
    ipc: int,
    variant: Variant,
    cell: Cell,
    accuracy: Estimate | None,
    beaten_by: int | None,
) -> Standing:
    control = difference = None
    with_control = {seed: cell.scores[seed] for seed in cell.control if seed in cell.scores}
    if with_control:
        control = over_seeds_and_networks(one_of_each(cell.control))
        difference = paired_difference(with_control, cell.control)
    counted: dict[str, int] = {}
    for note in cell.notes.values():
        counted[note] = counted.get(note, 0) + 1
    notes = [
        note if len(cell.records) == 1 else f"{note} ({count} of {len(cell.records)} seeds)"
        for note, count in sorted(counted.items())
    ]
    origins = [record.origin for record in cell.records.values() if record.origin]
    notes += dict.fromkeys(line for origin in origins for line in recorded_lines(origin))
    if cell.seedless:
        notes.append("the same accuracy at every seed")
    if difference is not None and difference.mean < 0:
        notes.append("below its control")
    return Standing(
        ipc=ipc,
        variant=variant,
        beaten_by=beaten_by,
        accuracy=accuracy,
        control=control,
        control_name=cell.control_name,
        difference=difference,
        making=Making.of(cell.records.values()),
        seeds=tuple(sorted(cell.records)),
        runs=tuple(record.run for _, record in sorted(cell.records.items())),
        notes=tuple(notes),
    )
