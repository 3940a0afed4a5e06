"""Tables of a request: every setting with its value, and where that comes from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from ..plugins.settings import Settings
from ..runs.overrides import as_text
from ..runs.request import RunRequest
from ..runtime.device import device_named


def request_tables(request: RunRequest) -> str:
    """What a run would do."""
    method = request.method
    parts = [_task_table(request)]
    parts.append(f"method {method.name}\n{_settings_table(method.settings, method.sources)}")
    for name, settings in request.evaluators.items():
        if settings.plain():
            parts.append(f"evaluator {name}\n{_settings_table(settings)}")
    parts += [f"note: {note}" for note in method.notes]
    return "\n\n".join(parts)


def _task_table(request: RunRequest) -> str:
    task, budget = request.task, request.budget
    rows = [
        ("dataset", f"{task.dataset}{_bracketed(task.lab.dataset_settings)}"),
        ("ipc", task.ipc_in_words),
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
        ("whole", as_text(request.whole)),
        ("device", f"{device_named(request.device)}{_threads(request)}"),
        ("runs_root", request.runs_root.absolute()),
        ("data_root", request.data_root.absolute()),
    ]
    return tabulate(rows, tablefmt="plain", disable_numparse=True)


def _settings_table(settings: Settings, sources: Mapping[str, str] | None = None) -> str:
    """Every setting with its value, and its source if sources are known."""
    fields = {item.name: item.metadata.get("help", "") for item in dataclasses.fields(settings)}
    if not fields:
        return "no settings"
    table: dict[str, list[str]] = {
        "setting": list(fields),
        "value": [as_text(value) for value in settings.shown().values()],
    }
    if sources is not None:
        table["source"] = [sources[name] for name in fields]
    table["meaning"] = list(fields.values())
    return tabulate(table, headers="keys", tablefmt="simple", disable_numparse=True)


def _threads(request: RunRequest) -> str:
    return _bracketed({"threads": request.threads}) if request.threads else ""


def _bracketed(values: Mapping[str, Any]) -> str:
    text = ", ".join(f"{name} {as_text(value)}" for name, value in values.items())
    return f" ({text})" if text else ""
