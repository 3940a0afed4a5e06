"""`ddbench show`: resolved settings with their sources, without running."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tabulate import tabulate

from ..api import request_of
from ..config import MethodChoice, RunRequest


def show(arguments: Sequence[str]) -> int:
    """Print what a run would do."""
    request = request_of(arguments)
    print(_task_table(request))
    print(f"\nmethod {request.method.name}")
    print(_settings_table(request.method))
    for note in request.method.notes:
        print(note)
    return 0


def _task_table(request: RunRequest) -> str:
    task, budget = request.task, request.budget
    rows = [
        ("dataset", task.dataset),
        ("ipc", task.ipc),
        ("model", f"{task.model.name} {task.model.settings}"),
        ("input space", task.input_space),
        ("validation", task.validation),
        ("seed, group", f"{task.seed}, {task.group}"),
        ("budget", f"{request.budget_name}: {budget.plain()}"),
        ("protocols", ", ".join(protocol.label for protocol in request.protocols)),
        ("evaluators", ", ".join(request.evaluators)),
        ("control", request.control.name if request.control else "none"),
        ("runs_root", request.runs_root.absolute()),
        ("data_root", request.data_root.absolute()),
    ]
    return tabulate(rows, tablefmt="plain", disable_numparse=True)


def _settings_table(choice: MethodChoice) -> str:
    help_of = {item.name: item.metadata["help"] for item in dataclasses.fields(choice.settings)}
    rows = [
        (name, value, choice.sources[name], help_of[name])
        for name, value in choice.settings.plain().items()
    ]
    headers = ("setting", "value", "source", "meaning")
    return (
        tabulate(rows, headers, tablefmt="simple", disable_numparse=True) if rows else "no settings"
    )
