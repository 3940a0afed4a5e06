"""`ddbench show`: resolved settings with their sources, without running."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from ..plugins.settings import Settings
from ..runs.compose import as_overrides, request_of
from ..runs.request import RunRequest
from ..runtime.device import device_named


def show(arguments: Sequence[str]) -> int:
    """Print what a run would do."""
    request = request_of(arguments)
    method = request.method
    print(_task_table(request))
    print(f"\nmethod {method.name}")
    print(_settings_table(method.settings, method.sources))
    for name, settings in request.evaluators.items():
        if settings.plain():
            print(f"\nevaluator {name}\n{_settings_table(settings)}")
    for note in method.notes:
        print(f"\nnote: {note}")
    return 0


def _task_table(request: RunRequest) -> str:
    task, budget = request.task, request.budget
    rows = [
        ("dataset", f"{task.dataset}{_bracketed(task.lab.dataset_settings)}"),
        ("ipc", task.ipc),
        ("model", f"{task.model.name}{_bracketed(task.model.settings)}"),
        ("input_space", f"{task.input_space} ({request.space_source})"),
        ("validation", f"{task.lab.validation:g}"),
        ("seed", task.seed),
        ("group", task.group),
        ("network_seed", task.lab.network_seed),
        ("budget", f"{request.budget_name}{_bracketed(budget.plain())}"),
        ("protocols", ", ".join(protocol.label for protocol in request.protocols)),
        ("evaluators", ", ".join(request.evaluators) or "none"),
        ("control", request.control.name if request.control else "none"),
        ("whole", _typed(request.whole)),
        ("device", f"{device_named(request.device)}{_threads(request)}"),
        ("runs_root", request.runs_root.absolute()),
        ("data_root", request.data_root.absolute()),
    ]
    return tabulate(rows, tablefmt="plain", disable_numparse=True)


def _settings_table(settings: Settings, sources: Mapping[str, str] | None = None) -> str:
    """Every setting with its value; with its source, too, where sources are known."""
    fields = {item.name: item.metadata.get("help", "") for item in dataclasses.fields(settings)}
    if not fields:
        return "no settings"
    table: dict[str, list[str]] = {
        "setting": list(fields),
        "value": [_typed(value) for value in settings.shown().values()],
    }
    if sources is not None:
        table["source"] = [sources[name] for name in fields]
    table["meaning"] = list(fields.values())
    return tabulate(table, headers="keys", tablefmt="simple", disable_numparse=True)


def _threads(request: RunRequest) -> str:
    return _bracketed({"threads": request.threads}) if request.threads else ""


def _bracketed(values: Mapping[str, Any]) -> str:
    text = ", ".join(f"{name} {_typed(value)}" for name, value in values.items())
    return f" ({text})" if text else ""


def _typed(value: Any) -> str:
    """A value as it is typed on the command line."""
    return as_overrides({"": value})[0].removeprefix("=")
