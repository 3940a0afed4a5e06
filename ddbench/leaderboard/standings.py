"""The standings on a board: estimates, ranks, and every pair compared."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ..records.cost import DISTIL, Peak, largest_peak
from ..records.record import Record
from ..records.report import recorded_lines
from ..records.statistics import (
    CONFIDENCE,
    FEWEST_SEEDS,
    Estimate,
    holm,
    one_of_each,
    over_seeds_and_networks,
    paired_difference,
)
from .boards import Board, Cell
from .entries import Variant


@dataclass(frozen=True)
class Making:
    """What a set cost: medians over seeds, the largest peak.

    Args:
        storage_bytes: the size of images and labels.
        distil_seconds: time for the updates of the set; None if it was made elsewhere.
        other_seconds: time for teachers, experts and whatever else was trained or fitted before.
        networks_bytes: the size of teachers and experts.
        peak: peak memory, on the accelerator if there is one; None if not measured.
        device: the device; "" if the set was made elsewhere.
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
class Place:
    """The place of a method among those that are ranked at one ipc of a board.

    Args:
        beaten_by: how many beat it, as `Pair.decided` defines it.
        beats: how many it beats.
        among: how many are ranked, itself included.
    """

    beaten_by: int
    beats: int
    among: int

    @property
    def rank(self) -> int:
        """One plus the number of methods that beat it: its best possible rank."""
        return 1 + self.beaten_by

    @property
    def lowest(self) -> int:
        """Its worst possible rank, if all methods that it does not beat were better."""
        return self.among - self.beats

    @property
    def told(self) -> str:
        """The possible ranks, such as "2-5"."""
        return str(self.rank) if self.rank == self.lowest else f"{self.rank}-{self.lowest}"


@dataclass(frozen=True)
class Standing:
    """One row of a board.

    Args:
        ipc: images per class.
        variant: the method as it was run.
        place: its place among the ranked; None if it was not scorable or has fewer than three
            seeds.
        accuracy: fraction of the test images; None if it was not scorable.
        control: the accuracy of the control beside it, on the seeds that have one.
        control_name: the control's name.
        control_labels: the control's labels, if they are of another kind than the method's.
        difference: the method minus its control.
        making: what the set cost.
        seeds: the distillation seeds with a record.
        runs: the keys of the records.
        notes: what a reader must know.
    """

    ipc: int
    variant: Variant
    place: Place | None
    accuracy: Estimate | None
    control: Estimate | None
    control_name: str
    control_labels: str
    difference: Estimate | None
    making: Making
    seeds: tuple[int, ...]
    runs: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def control_label(self) -> str:
        """The control's name, with its labels if they are of another kind."""
        apart = f" with {self.control_labels}" if self.control_labels else ""
        return f"{self.control_name}{apart}"

    @property
    def relation(self) -> int:
        """1 or -1 if the interval of the difference from the control is above or below 0."""
        if self.difference is None or self.difference.holds_zero:
            return 0
        return 1 if self.difference.mean > 0 else -1

    @property
    def rank(self) -> int | None:
        """The rank of its place, if it has one."""
        return None if self.place is None else self.place.rank


@dataclass(frozen=True)
class Pair:
    """A comparison of two methods on one board and ipc.

    Args:
        ipc: images per class.
        first: the one that is ahead.
        second: the other.
        difference: the difference of accuracies, from `paired_difference`.
        p: the p value of the t test; None if there is only one value.
        p_holm: the p value corrected for the pairs of ranked methods at this ipc of the board;
            None if one of the two is not ranked.
    """

    ipc: int
    first: Variant
    second: Variant
    difference: Estimate
    p: float | None
    p_holm: float | None

    @property
    def decided(self) -> bool:
        """Whether the first beats the second: significant at 5% after Holm's correction."""
        return self.p_holm is not None and self.p_holm < 1 - CONFIDENCE


@dataclass
class Standings:
    """A board with its rows and pairs, by ipc, best first."""

    board: Board
    rows: list[Standing] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)


def standings(board: Board, by_ipc: Mapping[int, Mapping[Variant, Cell]]) -> Standings:
    """Rank the methods of a board, separately at each ipc."""
    made = Standings(board)
    for ipc, by_variant in sorted(by_ipc.items()):
        rows, pairs = _at_one_ipc(ipc, by_variant)
        made.rows += rows
        made.pairs += pairs
    return made


def _at_one_ipc(ipc: int, by_variant: Mapping[Variant, Cell]) -> tuple[list[Standing], list[Pair]]:
    estimates = {variant: cell.estimate() for variant, cell in by_variant.items() if cell.scores}
    order = sorted(estimates, key=lambda variant: (-estimates[variant].mean, variant))
    ranked = {variant for variant in order if len(by_variant[variant].scores) >= FEWEST_SEEDS}
    pairs = _pairs(ipc, order, ranked, by_variant)
    beats = Counter(pair.first for pair in pairs if pair.decided)
    beaten_by = Counter(pair.second for pair in pairs if pair.decided)
    rows = []
    for variant, cell in sorted(by_variant.items()):
        place = None
        if variant in ranked:
            place = Place(beaten_by[variant], beats[variant], len(ranked))
        rows.append(_row(ipc, variant, cell, estimates.get(variant), place))
    return sorted(rows, key=best_first), pairs


def _pairs(
    ipc: int, order: Sequence[Variant], ranked: set[Variant], by_variant: Mapping[Variant, Cell]
) -> list[Pair]:
    """All pairs of methods, the larger mean first; p values are corrected among the ranked."""
    compared = {
        (a, b): paired_difference(by_variant[a].scores, by_variant[b].scores)
        for a, b in combinations(order, 2)
    }
    p_values = {both: difference.p for both, difference in compared.items()}
    tested = {both: p for both, p in p_values.items() if p is not None and ranked.issuperset(both)}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    return [
        # On the seeds that both have, the order of the means may be reversed.
        Pair(ipc, a, b, difference, p_values[a, b], corrected.get((a, b)))
        if difference.mean >= 0
        else Pair(ipc, b, a, difference.reversed, p_values[a, b], corrected.get((a, b)))
        for (a, b), difference in compared.items()
    ]


def best_first(row: Standing) -> tuple[bool, bool, float, Variant]:
    """Sort key of rows: by accuracy, ranked ones before others, those without accuracy last."""
    mean = row.accuracy.mean if row.accuracy else 0.0
    return (row.accuracy is None, row.place is None, -mean, row.variant)


def _row(
    ipc: int,
    variant: Variant,
    cell: Cell,
    accuracy: Estimate | None,
    place: Place | None,
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
    if accuracy is not None and place is None:
        notes.append(f"not ranked: fewer than {FEWEST_SEEDS} seeds")
    if cell.seedless:
        notes.append("the same accuracy at every seed")
    if difference is not None and difference.mean < 0:
        notes.append("below its control")
    return Standing(
        ipc=ipc,
        variant=variant,
        place=place,
        accuracy=accuracy,
        control=control,
        control_name=cell.control_name,
        control_labels=cell.control_labels,
        difference=difference,
        making=Making.of(cell.records.values()),
        seeds=tuple(sorted(cell.records)),
        runs=tuple(record.run for _, record in sorted(cell.records.items())),
        notes=tuple(notes),
    )
