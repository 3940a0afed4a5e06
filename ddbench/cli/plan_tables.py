"""Tables of a plan."""

from __future__ import annotations

from tabulate import tabulate

from ..planning.plan import Plan, PlannedRun
from ..records.units import duration, size
from ..runtime.device import machine_memory_bytes
from .cell import cells_of


def plan_tables(plan: Plan) -> str:
    """The phases of a single run, or the cells of several, and what they take together."""
    parts = [_phases(plan.runs[0]) if len(plan.runs) == 1 else _cells(plan)]
    notes = dict.fromkeys(note for run in plan.runs for note in run.notes)
    if plan.unmeasured:
        left = round(plan.unmeasured)
        note = f"some steps are not measured, so their memory is not known: seconds={2 * left + 10}"
        notes[f"{note} measures them, in about {left} s"] = None
    parts += ["\n".join(f"note: {note}" for note in notes)] if notes else []
    parts.append(_together(plan))
    return "\n\n".join(parts)


def _phases(run: PlannedRun) -> str:
    if run.folder is not None:
        return f"finished already: {run.folder}"
    if run.skips is not None:
        return f"not possible: {run.skips}"
    rows = [
        (
            one.phase.name,
            one.what,
            "?" if one.seconds is None else duration(one.seconds),
            "?" if one.peak_bytes is None else size(one.peak_bytes),
            size(one.disk_bytes) if one.disk_bytes else "",
        )
        for one in run.phases
    ]
    headers = ["phase", "work", "about", "peak memory", "disk"]
    return tabulate(rows, headers, tablefmt="simple", disable_numparse=True)


def _cells(plan: Plan) -> str:
    rows = []
    for run, cell in zip(plan.runs, cells_of([run.words for run in plan.runs]), strict=True):
        title = cell.title
        if run.folder is not None:
            rows.append((title, "finished", "", "", ""))
        elif run.skips is not None:
            rows.append((title, f"not possible: {run.skips}", "", "", ""))
        else:
            unknown = any(one.peak_bytes is None for one in run.phases)
            peak = "?" if run.peak_bytes is None else f"{'> ' * unknown}{size(run.peak_bytes)}"
            time = "?" if any(one.seconds is None for one in run.phases) else duration(run.seconds)
            rows.append((title, "to do", time, peak, size(run.disk_bytes)))
    headers = ["cell", "state", "about", "peak memory", "disk"]
    return tabulate(rows, headers, tablefmt="simple", disable_numparse=True)


def _together(plan: Plan) -> str:
    left, told = len(plan.left), []
    cells = f"{len(plan.runs)} cell{'s' * (len(plan.runs) != 1)}"
    told.append(f"{cells}, {left} to do: about {duration(plan.seconds)} one after the other")
    if plan.peak_bytes is not None:
        told.append(f"{size(plan.peak_bytes)} of memory at the most")
    told.append(f"{size(plan.disk_bytes)} of disk")
    lines = [", ".join(told)]
    if plan.shared:
        pools = ", ".join(f"{name} {count}" for name, count in plan.shared.items())
        lines.append(f"pools of networks to train, each once for all cells: {pools}")
    there = machine_memory_bytes()
    if plan.peak_bytes is not None and plan.peak_bytes > there:
        lines.append(f"warning: this machine has {size(there)} of memory")
    return "\n".join(lines)
