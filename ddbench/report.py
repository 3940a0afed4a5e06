"""The plain table that ends every run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from .evaluator import Measurement
from .meters import PhaseCost
from .progress import duration
from .record import Record
from .statistics import half_width

NOT_MEASURED = "n/a"
INTERVAL = (
    "± is the 95% t interval over n evaluation networks of this one distilled set; "
    "intervals over distillation seeds need several runs."
)


def report(record: Record) -> str:
    """What was measured and what it cost, for people."""
    task, budget = record.task, record.budget
    head = (
        f"{record.method['name']} on {task['dataset']}, ipc {task['ipc']}, "
        f"{task['model_label']}, input space {task['input_space']}, budget {budget['name']}, "
        f"seed {task['seed']}" + (f", group {task['group']}" if task["group"] else "")
    )
    parts = [
        head,
        accuracy_table(record.measurements),
        _costs(record),
        other_table(record.measurements),
        _paper(record),
    ]
    return "\n\n".join(part for part in parts if part)


def measurement_tables(measurements: Sequence[Measurement]) -> str:
    """What was measured, for people: accuracies first, then what other evaluators said."""
    parts = [accuracy_table(measurements), other_table(measurements)]
    return "\n\n".join(part for part in parts if part)


def _paper(record: Record) -> str:
    if record.budget["name"] == "paper" or record.paper_seconds is None:
        return ""
    return f"budget=paper would take about {duration(record.paper_seconds)} on this machine"


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
    split = wanted[0].coordinates["split"]
    headers = ["protocol", "images", "labels", f"{split} accuracy %", "- control", "n"]
    table = tabulate(rows, headers, tablefmt="simple", disable_numparse=True)
    return "\n".join([table, *_notes(m for m in measurements if _of_accuracy(m)), INTERVAL])


def sweep_table(cells: Sequence[tuple[str, Record | None]]) -> str:
    """One row a cell of a sweep: accuracy under each protocol, and its difference from the control.

    Args:
        cells: the overrides of each cell in one text, and its record; None where it left none.
    """
    words = [text.split() for text, _ in cells]
    common = set.intersection(*map(set, words)) if len(cells) > 1 else set()
    records = [record for _, record in cells if record is not None]
    protocols = list(dict.fromkeys(p for record in records for p in record.protocols))
    rows = [
        [
            " ".join(word for word in own if word not in common),
            *(_in_one_cell(record, protocol) for protocol in protocols),
        ]
        for own, (_, record) in zip(words, cells, strict=True)
    ]
    headers = ["cell", *(f"{protocol} % (- control)" for protocol in protocols)]
    return tabulate(rows, headers, tablefmt="simple", disable_numparse=True)


def _in_one_cell(record: Record | None, protocol: str) -> str:
    if record is None:
        return NOT_MEASURED
    for m in record.measurements:
        place = (m.metric, m.coordinates.get("protocol"), m.coordinates.get("subject"))
        if place == ("accuracy", protocol, record.method["name"]):
            difference = _difference(m, record.measurements)
            return percent(m) + (f" ({percent(difference, sign=True)})" if difference else "")
    return ""


def _difference(m: Measurement, measurements: Iterable[Measurement]) -> Measurement | None:
    """The difference from the control that belongs to an accuracy."""
    for d in measurements:
        same = all(d.coordinates.get(k) == m.coordinates[k] for k in ("protocol", "subject"))
        if d.metric == "accuracy_difference" and same:
            return d
    return None


def _costs(record: Record) -> str:
    rows = [
        [
            phase,
            duration(cost.wall_seconds),
            size(cost.peak_bytes),
        ]
        for phase, cost in ((name, PhaseCost(**plain)) for name, plain in record.costs.items())
    ]
    held = f"storage of the set: {size(record.distilled['storage_bytes'])}"
    for pool in record.networks:
        held += f"; {pool['networks']} {pool['stream']}: {size(pool['bytes'])}"
    return tabulate(rows, ["phase", "time", "peak memory"], tablefmt="simple") + f"\n{held}"


def other_table(measurements: Sequence[Measurement]) -> str:
    """Measurements of other evaluators, one line each, with their notes below."""
    others = [m for m in measurements if not _of_accuracy(m)]
    if not others:
        return ""
    rows = [
        [m.metric, ", ".join(str(v) for v in m.coordinates.values()), _amount(m)] for m in others
    ]
    table = tabulate(rows, ["metric", "of", "value"], tablefmt="simple", disable_numparse=True)
    return "\n".join([table, *_notes(others)])


def _place(m: Measurement) -> str:
    """Coordinates in one line; a number is nothing without its name."""
    places = m.coordinates.items()
    return ", ".join(v if isinstance(v, str) else f"{name} {v}" for name, v in places)


def _amount(m: Measurement) -> str:
    """A value with its unit, as people read it."""
    if m.value is None:
        return NOT_MEASURED
    return size(int(m.value)) if m.unit == "bytes" else f"{m.value:.5g} {m.unit}"


def _of_accuracy(m: Measurement) -> bool:
    return m.metric.startswith("accuracy")


def _notes(measurements: Iterable[Measurement]) -> list[str]:
    return list(dict.fromkeys(f"note: {m.note}" for m in measurements if m.note))


def percent(measurement: Measurement, sign: bool = False) -> str:
    """A fraction as a percentage with its interval, such as "61.2 ± 0.8"."""
    if measurement.value is None:
        return NOT_MEASURED
    text = f"{100 * measurement.value:+.1f}" if sign else f"{100 * measurement.value:.1f}"
    width = half_width(measurement.values)
    return text if width is None else f"{text} ± {100 * width:.1f}"


def size(count: int) -> str:
    """Bytes in words that people read: "312 MB"."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"
