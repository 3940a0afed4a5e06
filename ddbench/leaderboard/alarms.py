"""Checks of a record before it enters: is it too good, and are its seeds independent?

MLPerf's submission checkers ask similar questions. An alarm is not a verdict: it names what a
person should look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from ..records.checking import ACCURACY, WHOLE, is_own_accuracy
from ..records.measurement import Measurement
from ..records.record import Record
from ..records.statistics import difference_of_means, over_seeds_and_networks, percentage
from .boards import whole_scores
from .entries import Entry, Setting, entries
from .labels import dataset_label
from .published import Figure

FEWEST_EQUAL = 3
"""Fewer accuracies may be equal by chance."""

Values = dict[tuple[str, str], tuple[float, ...]]
"""Accuracies by protocol and labels."""


def alarms(
    submitted: Sequence[Record],
    known: Iterable[Record],
    images: Mapping[str, str],
    figures: Sequence[Figure],
    draws: Callable[[Record], bool],
) -> dict[str, list[str]]:
    """One line for each alarm, by run; runs without alarms are left out.

    Args:
        submitted: the records that are to enter.
        known: the records that have entered.
        images: digests of the images and labels of distilled sets, by run, where available.
        figures: published numbers.
        draws: whether a record's method gives a different set for a different seed.
    """
    runs = {record.run for record in submitted}
    placed = entries([*submitted, *(record for record in known if record.run not in runs)])
    whole = whole_scores(placed)
    found: dict[str, list[str]] = defaultdict(list)
    for entry in placed:
        if entry.record.run in runs:
            found[entry.record.run] += _too_good(entry, whole, figures)
    for first, second in _pairs_of_seeds(placed):
        if draws(first.record):
            for alike in _alike(first.record, second.record, images):
                for own, other in ((first.record, second.record), (second.record, first.record)):
                    if own.run in runs:
                        found[own.run].append(
                            f"seeds {own.task.seed} and {other.task.seed} ({other.name}) have "
                            f"{alike}: they are one sample, not two"
                        )
    return {run: lines for run, lines in found.items() if lines}


def _too_good(
    entry: Entry, whole: Mapping[Setting, tuple[float, ...]], figures: Sequence[Figure]
) -> list[str]:
    """One line for each accuracy above what is known by more than its interval."""
    lines = []
    for (protocol, _), values in _own(entry.record).items():
        estimate = over_seeds_and_networks({0: values})
        if estimate.half_width is None:
            continue
        told = f"{protocol}: {percentage(estimate.mean, estimate.half_width)} % is above"
        real = whole.get(entry.setting, ())
        if len(real) > 1:
            difference = difference_of_means(values, real)
            if difference.mean > 0 and not difference.holds_zero:
                mean = sum(real) / len(real)
                lines.append(f"{told} the {percentage(mean, None)} % of all real training images")
        best = _best_published(entry, figures)
        if best is not None and estimate.mean - estimate.half_width > best.value:
            lines.append(
                f"{told} the {percentage(best.value, None)} % of {best.method}, the best that is "
                f"published for it ({best.place} of {best.source})"
            )
    return lines


def _best_published(entry: Entry, figures: Sequence[Figure]) -> Figure | None:
    """The best for the same dataset, ipc and network, whatever the protocol."""
    setting, task = entry.setting, entry.record.task
    if task.class_counts is not None or dataset_label(setting).full != setting.dataset:
        return None
    fitting = [
        figure
        for figure in figures
        if figure.metric == ACCURACY
        and not figure.coordinates
        and not figure.note  # a number measured in another way is not a bound
        and figure.method != WHOLE
        and (figure.dataset, figure.ipc, figure.model) == (setting.dataset, task.ipc, setting.model)
    ]
    return max(fitting, key=lambda figure: figure.value, default=None)


def _pairs_of_seeds(placed: Iterable[Entry]) -> list[tuple[Entry, Entry]]:
    """All pairs of records of one method, as it was run, that differ in their seed."""
    groups: dict[object, list[Entry]] = defaultdict(list)
    for entry in placed:
        groups[entry.setting, entry.record.task.ipc, entry.variant].append(entry)
    return [
        (first, second)
        for same in groups.values()
        for first, second in combinations(same, 2)
        if first.record.task.seed != second.record.task.seed
    ]


def _alike(first: Record, second: Record, images: Mapping[str, str]) -> list[str]:
    lines = []
    digests = [images.get(record.run) for record in (first, second)]
    files = first.distilled.sha256, second.distilled.sha256
    if files[0] == files[1] or (digests[0] and digests[0] == digests[1]):
        lines.append("the same images")
    ours, theirs = _own(first), _own(second)
    shared = ours.keys() & theirs.keys()
    count = sum(len(ours[place]) for place in shared)
    if count >= FEWEST_EQUAL and all(ours[place] == theirs[place] for place in shared):
        lines.append(f"the same {count} accuracies to the last digit")
    return lines


def _own(record: Record) -> Values:
    def is_method(m: Measurement) -> bool:
        return m.coordinates.get("subject") == record.method.name and m.value is not None

    return {
        (str(m.coordinates["protocol"]), str(m.coordinates.get("labels", ""))): m.values
        for m in record.measurements
        if is_own_accuracy(m) and is_method(m)
    }
