"""The plain-text report that is printed at the end of every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from tabulate import tabulate

from .cost import Peak, joined
from .facts import OriginFacts, PhaseCostFacts, PoolFacts
from .measurement import Measurement
from .record import Record
from .statistics import half_width, percentage
from .units import duration, size

INTERVAL = (
    "± is the 95% t interval over n evaluation networks of this one distilled set; "
    "intervals over distillation seeds need several runs."
)


def report(record: Record) -> str:
    """The measurements and costs of a record as readable text."""
    task, budget = record.task, record.budget
    head = (
        f"{record.method.name} on {task.dataset.shown_name}, ipc {task.ipc_in_words}, "
        f"{task.model.label}, input space {task.input_space}, budget {budget.name}, "
        f"seed {task.seed}" + (f", group {task.group}" if task.group else "")
    )
    parts = [
        "\n".join([head, *(_origin(record.origin) if record.origin else ())]),
        accuracy_table(record.measurements),
        _costs(record),
        *other_tables(record.measurements),
        _paper(record),
        _repeatability(record),
    ]
    return "\n\n".join(part for part in parts if part)


def _origin(origin: OriginFacts) -> Iterator[str]:
    """Lines stating that the set was made elsewhere, and what was recorded there."""
    yield f"made elsewhere{f': {origin.source}' if origin.source else ''}"
    yield from recorded_lines(origin)


def recorded_lines(origin: OriginFacts) -> Iterator[str]:
    """The accuracy that the authors' own code recorded, one line per architecture."""
    for network, values in origin.recorded.items():
        if values:
            told = percentage(fmean(values), half_width(values))
            yield f"recorded by its authors, {network}: {told} ({len(values)} networks)"


def _paper(record: Record) -> str:
    if record.budget.name == "paper" or record.paper_seconds is None:
        return ""
    return f"budget=paper would take about {duration(record.paper_seconds)} on this machine"


def _repeatability(record: Record) -> str:
    operations = record.environment.nondeterministic
    if not operations:
        return ""
    return f"note: repeating the command may give other bits, because of {', '.join(operations)}"


def accuracy_table(measurements: Sequence[Measurement]) -> str:
    """Accuracy of the method and its control under each protocol."""
    wanted = [m for m in measurements if m.metric == "accuracy"]
    rows = []
    for m in wanted:
        difference = _difference(m, measurements)
        rows.append(
            [
                m.coordinates["protocol"],
                m.coordinates["subject"],
                m.coordinates.get("labels", "" if m.value is None else "class ids"),
                percent(m),
                percent(difference, sign=True) if difference else "",
                len(m.values),
            ]
        )
    if not rows:
        return ""
    splits = [str(m.coordinates["split"]) for m in wanted if "split" in m.coordinates]
    accuracy = " ".join([*splits[:1], "accuracy %"])
    headers = ["protocol", "images", "labels", accuracy, "- control", "n"]
    table = tabulate(rows, headers, tablefmt="simple", disable_numparse=True)
    own = [m for m in measurements if of_accuracy(m)]
    return "\n".join([table, *notes(own), INTERVAL])


def _difference(m: Measurement, measurements: Iterable[Measurement]) -> Measurement | None:
    """The difference from the control for an accuracy."""
    for d in measurements:
        same = all(d.coordinates.get(k) == m.coordinates[k] for k in ("protocol", "subject"))
        if d.metric == "accuracy_difference" and same:
            return d
    return None


def _costs(record: Record) -> str:
    rows = [
        [_phase(cost, record.networks), duration(cost.wall_seconds), peak_text(cost.peak)]
        for cost in record.costs
    ]
    held = f"storage of the set: {size(record.distilled.storage_bytes)}"
    for pool in record.networks:
        held += f"; {_counted(pool)}: {size(pool.bytes)}"
    table = tabulate(rows, ["phase", "time", "peak memory"], tablefmt="simple")
    return "\n".join([table, held, *_trajectories(record)])


def peak_text(peak: Peak | None) -> str:
    """Peak memory, such as "312 MB"; on an accelerator, "312 MB allocated"."""
    if peak is None:
        return NOT_MEASURED
    return size(peak.bytes) + (" allocated" if peak.kind == "allocated" else "")


def _phase(cost: PhaseCostFacts, pools: Iterable[PoolFacts]) -> str:
    """The name of a phase; if it trained networks, their name."""
    for pool in pools:
        if (pool.stream, pool.stage) == (cost.phase, cost.stage):
            return _noun(pool)
    return cost.phase


def _counted(pool: PoolFacts) -> str:
    """Such as "2 teachers"."""
    return f"{pool.networks} {_noun(pool)}"


def _noun(pool: PoolFacts) -> str:
    return f"{pool.stream}{'s' if pool.networks > 1 else ''}"


def _trajectories(record: Record) -> list[str]:
    """Storage of the method's networks compared with keeping all epochs or only the last."""
    lines = []
    for pool in record.networks:
        epochs, snapshots, whole = pool.epochs, pool.snapshots, pool.trajectory_bytes
        if pool.stage != "made" or epochs is None or snapshots is None or whole is None:
            continue
        held = f"{_counted(pool)} held as"
        if snapshots == 1:
            lines.append(
                f"{held} the last of {epochs} epochs; expert trajectories of the same training "
                f"would take {epochs + 1} times that: {size(whole)}"
            )
        else:
            lines.append(
                f"{held} {snapshots} snapshots of {epochs} epochs; the last epoch alone would "
                f"take {size(round(whole / (epochs + 1)))}"
            )
    return lines


NOT_MEASURED = "n/a"


def of_accuracy(m: Measurement) -> bool:
    """Whether a measurement belongs in the accuracy table."""
    return m.metric in ("accuracy", "accuracy_difference")


def other_tables(measurements: Sequence[Measurement]) -> list[str]:
    """Other measurements than accuracy: subjects side by side, the rest one per line; notes."""
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
    """One line per distinct note."""
    return list(dict.fromkeys(f"note: {m.note}" for m in measurements if m.note))


def _place(m: Measurement) -> str:
    """Coordinates in one line; numbers are shown with their names."""
    places = joined(m.coordinates).items()
    return ", ".join(v if isinstance(v, str) else f"{name} {v}" for name, v in places)


def _subject_tables(measurements: Sequence[Measurement]) -> list[str]:
    """One table per group of measurements with the same coordinates, one column per subject.

    A metric M_difference, with a control in its coordinates, is shown in a last column next to M.
    Coordinates with a single value are shown above the table.
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
