"""The report of a study: one row per series of each panel, and the contrasts below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..records.statistics import Estimate, percentage
from .cells import Cell, grouped, over_seeds, paired
from .figures import tradeoff_points
from .spread import NOTE as SPREAD_NOTE
from .spread import spread_rows
from .study import Contrast, Study
from .tradeoff import tradeoff_table

if TYPE_CHECKING:
    import pandas as pd

NOTE = (
    "Accuracy in %, mean over distillation seeds; ± is the 95% t interval over them where there "
    "are at least 3. Differences are paired: same seed, same evaluation networks."
)


def rows(study: Study, cells: Sequence[Cell]) -> pd.DataFrame:
    """One row per series of each panel, as text.

    Columns: task, arm, accuracy and difference from the control for each protocol, the mean
    seconds of distilling, and the number of seeds.
    """
    import pandas as pd

    protocols = list(dict.fromkeys(p for cell in cells for p in cell.protocols))
    made: list[dict[str, Any]] = []
    for panel, series in grouped(cells, study).items():
        for name, group in series.items():
            row: dict[str, Any] = {"task": panel, "arm": name}
            for protocol in protocols:
                row[f"{protocol} %"] = _text(over_seeds(c.values(protocol) for c in group))
                difference = over_seeds(c.differences(protocol) for c in group)
                row[f"{protocol} - control"] = _text(difference, sign=True)
            costs = [c.record.distilling for c in group]
            seconds = over_seeds([cost.wall_seconds] for cost in costs if cost)
            row["distil s"] = f"{seconds.mean:.1f}" if seconds else ""
            row["seeds"] = len(group)
            made.append(row)
    return pd.DataFrame(made)


def contrast_rows(study: Study, cells: Sequence[Cell]) -> pd.DataFrame:
    """The contrasts of a study, in each panel in which both sides were measured."""
    import pandas as pd

    panels: dict[str, list[Cell]] = {}
    for cell in cells:
        panels.setdefault(cell.panel, []).append(cell)
    made = []
    for panel, group in panels.items():
        for contrast in study.contrasts:
            value = contrast_value(contrast, group)
            if value is not None:
                told = _text(value, sign=True)
                made.append(
                    {"task": panel, "contrast": contrast.name, "points": told, "seeds": value.seeds}
                )
    return pd.DataFrame(made)


def contrast_value(contrast: Contrast, cells: Sequence[Cell]) -> Estimate | None:
    """The paired difference of a contrast among the cells of one panel."""
    minus = contrast.minus or contrast.of
    first = _exactly(contrast.of, cells)
    pairs = paired(first, _exactly(minus, cells))
    other = contrast.minus_protocol or contrast.protocol
    return over_seeds(
        [a - b for a, b in zip(one.values(contrast.protocol), two.values(other), strict=False)]
        for one, two in pairs
    )


def markdown(study: Study, cells: Sequence[Cell]) -> str:
    """The whole report of a study in Markdown."""
    parts = [f"# {study.title}", study.about.strip(), NOTE]
    table = rows(study, cells)
    for panel in dict.fromkeys(table["task"]):
        part = table[table["task"] == panel].drop(columns="task")
        part = part.loc[:, [c for c in part.columns if (part[c].astype(str) != "").any()]]
        parts.append(f"## {panel}\n\n{part.to_markdown(index=False, disable_numparse=True)}")
    points = tradeoff_points(study, cells)
    if points:
        parts.append(f"## Memory against time\n\n```\n{tradeoff_table(points)}\n```")
    spreads = spread_rows(study, cells)
    for panel in dict.fromkeys(spreads["task"]) if len(spreads) else ():
        part = spreads[spreads["task"] == panel].drop(columns="task")
        text = part.to_markdown(index=False, disable_numparse=True)
        parts.append(f"## Spread: {panel}\n\n{SPREAD_NOTE}\n\n{text}")
    contrasts = contrast_rows(study, cells)
    if len(contrasts):
        text = contrasts.to_markdown(index=False, disable_numparse=True)
        parts.append(f"## Contrasts\n\n{text}")
    return "\n\n".join(parts) + "\n"


def _exactly(words: str, cells: Sequence[Cell]) -> list[Cell]:
    """The cells with these overrides and no other method settings."""
    keys = {word.partition("=")[0] for word in words.split()}
    return [
        cell
        for cell in cells
        if cell.has(words)
        and not any(k.startswith("method.") and k not in keys for k in cell.words)
    ]


def _text(value: Estimate | None, sign: bool = False) -> str:
    return percentage(value.mean, value.half_width, sign) if value else ""
