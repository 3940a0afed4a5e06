"""Tables of what evaluators measured, besides the accuracy of the task's model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from .evaluator import Measurement
from .progress import size
from .statistics import half_width, percentage

NOT_MEASURED = "n/a"


def of_accuracy(m: Measurement) -> bool:
    """Whether a measurement belongs to the table of accuracies."""
    return m.metric.startswith("accuracy")


def other_tables(measurements: Sequence[Measurement]) -> list[str]:
    """Measurements besides accuracy: subjects beside each other, the rest one line each; notes."""
    others = [m for m in measurements if not of_accuracy(m)]
    rows = [
        [m.metric, _place(m), _value(m, with_unit=True)]
        for m in others
        if "subject" not in m.coordinates
    ]
    parts = _subject_tables([m for m in others if "subject" in m.coordinates])
    if rows:
        parts.append(tabulate(rows, ["metric", "of", "value"], tablefmt="simple"))
    return [*parts, "\n".join(notes(others))] if others else []


def notes(measurements: Iterable[Measurement]) -> list[str]:
    """A line for each different note."""
    return list(dict.fromkeys(f"note: {m.note}" for m in measurements if m.note))


def _place(m: Measurement) -> str:
    """Coordinates in one line; a number is nothing without its name."""
    places = m.coordinates.items()
    return ", ".join(v if isinstance(v, str) else f"{name} {v}" for name, v in places)


def _subject_tables(measurements: Sequence[Measurement]) -> list[str]:
    """One table for the measurements that have the same coordinates, one column a subject.

    A metric called M_difference, which has a control among its coordinates, stands in a last
    column beside M. Coordinates with one value throughout stand above the table.
    """
    groups: dict[tuple[str, ...], list[Measurement]] = {}
    for m in measurements:
        names = tuple(name for name in m.coordinates if name not in ("subject", "control"))
        groups.setdefault(names, []).append(m)
    return [_subject_table(names, group) for names, group in groups.items()]


def _subject_table(names: Sequence[str], group: Sequence[Measurement]) -> str:
    common = [name for name in names if len({m.coordinates[name] for m in group}) == 1]
    varying = [name for name in names if name not in common]
    subjects = list(dict.fromkeys(str(m.coordinates["subject"]) for m in group))
    columns = [
        *subjects,
        *(["- control"] if any("control" in m.coordinates for m in group) else []),
    ]
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for m in group:
        beside = "control" in m.coordinates
        metric = m.metric.removesuffix("_difference") if beside else m.metric
        row = rows.setdefault((metric, *(str(m.coordinates[name]) for name in varying)), {})
        column = "- control" if beside else str(m.coordinates["subject"])
        row[column] = _value(m, sign=beside, with_unit=m.unit != "fraction")
    head = ", ".join(f"{name} {group[0].coordinates[name]}" for name in common)
    if any(m.unit == "fraction" for m in group):
        head += f"{'; ' if head else ''}fractions in %"
    cells = [[*place, *(row.get(column, "") for column in columns)] for place, row in rows.items()]
    table = tabulate(
        cells, ["metric", *varying, *columns], tablefmt="simple", disable_numparse=True
    )
    return f"{head}\n{table}" if head else table


def _value(m: Measurement, sign: bool = False, with_unit: bool = False) -> str:
    if m.value is None:
        return NOT_MEASURED
    if not with_unit:
        return percent(m, sign)
    if m.unit == "bytes":
        return size(int(m.value))
    interval = "" if m.interval is None else f" [{m.interval[0]:.3g}, {m.interval[1]:.3g}]"
    return f"{m.value:{'+' if sign else ''}.5g} {m.unit}{interval}"


def percent(measurement: Measurement, sign: bool = False) -> str:
    """A fraction as a percentage with its interval, such as "61.2 ± 0.8"."""
    if measurement.value is None:
        return NOT_MEASURED
    return percentage(measurement.value, half_width(measurement.values), sign)
