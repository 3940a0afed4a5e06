"""The plain table that ends every run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from .evaluator import Measurement
from .measurement_tables import NOT_MEASURED, notes, of_accuracy, other_tables, percent
from .meters import PhaseCost
from .progress import duration, size
from .record import Record

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
        *other_tables(record.measurements),
        _paper(record),
    ]
    return "\n\n".join(part for part in parts if part)


def measurement_tables(measurements: Sequence[Measurement]) -> str:
    """What was measured, for people: accuracies first, then what other evaluators said."""
    parts = [accuracy_table(measurements), *other_tables(measurements)]
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
    own = [m for m in measurements if of_accuracy(m)]
    return "\n".join([table, *notes(own), INTERVAL])


def sweep_table(cells: Sequence[tuple[str, Record | None]]) -> str:
    """One row a cell of a sweep: accuracy under each protocol and its difference from the control.

    Beside them what distilling cost: seconds a step (nothing for methods that choose), and peak
    memory.

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
            *_distilling_in_two_cells(record),
        ]
        for own, (_, record) in zip(words, cells, strict=True)
    ]
    accuracies = [f"{protocol} % (- control)" for protocol in protocols]
    headers = ["cell", *accuracies, "a step", "peak memory"]
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


def _distilling_in_two_cells(record: Record | None) -> tuple[str, str]:
    """Time of a step, teachers and experts apart, and peak memory."""
    if record is None or "distil" not in record.costs:
        return "", ""
    cost = PhaseCost(**record.costs["distil"])
    steps = record.curve[-1]["step"] + 1 if record.curve else 0
    return duration(cost.wall_seconds / steps) if steps else "", size(cost.peak_bytes)


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
        held += f"; {_counted(pool)}: {size(pool['bytes'])}"
    table = tabulate(rows, ["phase", "time", "peak memory"], tablefmt="simple")
    return "\n".join([table, held, *_trajectories(record)])


def _counted(pool: Mapping[str, Any]) -> str:
    """Such as "2 teachers"."""
    return f"{pool['networks']} {pool['stream']}{'s' if pool['networks'] > 1 else ''}"


def _trajectories(record: Record) -> list[str]:
    """What the method's networks would take as expert trajectories, or do take as these."""
    lines = []
    for pool in record.networks:
        if pool["stream"] not in ("teacher", "expert") or "trajectory_bytes" not in pool:
            continue
        epochs, snapshots, whole = pool["epochs"], pool["snapshots"], pool["trajectory_bytes"]
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
