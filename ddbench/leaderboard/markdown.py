"""The tables for people: Markdown that also reads well as plain text, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from ..records.statistics import Estimate, over_seeds_and_networks
from .columns import COLUMNS, Around
from .entries import Setting, Variant
from .labels import setting_title, variant_label, warning
from .markdown_text import (
    Labels,
    as_page,
    bullets,
    counts,
    p_value_text,
    percent,
    safe,
    table,
    value,
    wrapped,
)
from .other_measurements import METHOD, Other, Topic, layout
from .standings import Standing, Standings, best_first

SIDE_BY_SIDE = 4
MOST_LINES = 60
"""Most lines of a table of another metric; a longer one appears only in the CSV file."""
LEGEND = (
    "Accuracy is in percent of the test images. n is distillation seeds x evaluation networks. "
    "± is the 95% t interval over the seeds, if there are at least three. A star at n marks fewer: "
    "there it is over the evaluation networks of these sets, and says nothing about distilling "
    "again. Beside each method stands its control under the same protocol, in the method's input "
    "space, with the same kind of labels. Under paper, each set has its own labels: the control's "
    "are named where they are of another kind. Differences are paired by evaluation network and by "
    "seed where both have three seeds, else Welch's. Rows are sorted by accuracy. A rank of 2-5 "
    "means that one method beats this one, and that at most four may be better. To beat is to be "
    "ahead with p below 0.05 after Holm's correction over the pairs of ranked methods at one ipc "
    "of a board. Methods with fewer than three seeds are not ranked and do not count in the "
    "correction. Few seeds can separate only few of many methods: with three, which leave two "
    "degrees of freedom, the first of 55 pairs needs a difference of 33 standard errors. Nothing "
    "is ranked across models, budgets, protocols or kinds of labels."
)

COSTS_DEPEND = (
    "Seconds and peak memory are those of the run as it was: other work on the machine, and what "
    "ran before in the same process, make them larger."
)


def board_page(
    dataset: str,
    boards: Sequence[Standings],
    others: Mapping[Topic, Sequence[Other]],
    whole: Mapping[Setting, tuple[float, ...]],
    pictures: Mapping[Setting, str],
) -> str:
    """Every board of one dataset.

    Args:
        dataset: the dataset's name.
        boards: its boards, sorted.
        others: what else was measured on it.
        whole: accuracies of networks trained on all real data.
        pictures: the paths of pictures from the page.
    """
    parts = [f"# {dataset}", wrapped(LEGEND)]
    for setting, own in groupby(boards, key=lambda one: one.board.setting):
        parts.append(f"## {safe(setting_title(setting))}")
        if warning(setting):
            parts.append(warning(setting))
        if setting in whole:
            told = percent(_plain_estimate(whole[setting]))
            parts.append(f"All real training images: {told} (n 1x{len(whole[setting])}*).")
        if setting in pictures:
            parts.append(f"![accuracy by images per class]({pictures[setting]})")
        same = list(own)
        for one in same:
            parts += _board(one)
        parts += _costs(same)
        parts += [
            part
            for topic, rows in others.items()
            if topic.setting == setting
            for part in _topic(topic, rows)
        ]
    return as_page(parts)


def pairs_page(dataset: str, boards: Sequence[Standings]) -> str:
    """Every pair of methods of one dataset, with corrected p values."""
    legend = (
        "Differences in points of accuracy, the first less the second, with 95% t intervals, and p "
        "of their t test: paired over the seeds that both have, Welch's where they share fewer "
        "than three. Holm's correction is over the pairs of ranked methods of one table; the first "
        "beats the second where the corrected p is below 0.05. "
        f"n as in [the boards](../boards/{dataset}.md); a star: over evaluation networks."
    )
    parts = [f"# {dataset}: every pair", wrapped(legend)]
    for one in boards:
        for ipc, pairs in groupby(one.pairs, key=lambda pair: pair.ipc):
            same, labels = list(pairs), Labels()
            rows = [
                [
                    labels(variant_label(pair.first)),
                    labels(variant_label(pair.second)),
                    percent(pair.difference, sign=True),
                    p_value_text(pair.p),
                    p_value_text(pair.p_holm),
                    counts(pair.difference),
                    "yes" if pair.decided else "",
                ]
                for pair in same
            ]
            parts.append(f"## {safe(_title(one))}, ipc {ipc}")
            headers = ["first", "second", "difference", "p", "p, Holm", "n", "beats"]
            parts += [table(rows, headers), *labels.legend()]
    return as_page(parts)


def _board(one: Standings) -> list[str]:
    labels = Labels()
    parts = [f"### {one.board.protocol.label}, labels: {safe(one.board.labels or 'none')}"]
    ipcs = sorted({row.ipc for row in one.rows})
    if len(ipcs) > 1:
        parts += _matrix(one.rows, ipcs)
    for ipc in ipcs:
        rows = [row for row in one.rows if row.ipc == ipc]
        controls = sorted({row.control_label for row in rows} - {""})
        around = Around(labels, several_controls=len(controls) > 1)
        columns = [column for column in COLUMNS if column.board]
        cells = [[column.text(row, around) for column in columns] for row in rows]
        beside = f"; control: {', '.join(controls)}" if controls else ""
        parts += [
            f"**ipc {ipc}**{beside}",
            table(cells, [column.board for column in columns]),
            *_notes(rows, one.board.protocol.label),
        ]
    return [*parts, *labels.legend()]


def _matrix(rows: Sequence[Standing], ipcs: Sequence[int]) -> list[str]:
    """Methods by ipc, each with its rank, sorted by accuracy at the largest ipc."""
    labels = Labels()
    by_variant: dict[Variant, dict[int, Standing]] = {}
    for row in rows:
        by_variant.setdefault(row.variant.across_ipc, {})[row.ipc] = row

    def order(variant: Variant) -> tuple[object, ...]:
        rows = [by_variant[variant].get(ipc) for ipc in reversed(ipcs)]
        return (*((row is None, best_first(row)[:-1] if row else ()) for row in rows), variant)

    cells = [
        [
            labels(variant_label(variant)),
            *(_ranked(by_variant[variant].get(ipc)) for ipc in ipcs),
        ]
        for variant in sorted(by_variant, key=order)
    ]
    headers = ["rank. accuracy", *(f"ipc {ipc}" for ipc in ipcs)]
    return [table(cells, headers), *labels.legend()]


def _ranked(row: Standing | None) -> str:
    if row is None:
        return ""
    told = percent(row.accuracy)
    return told if row.place is None else f"{row.place.told}. {told}"


def _notes(rows: Iterable[Standing], protocol: str) -> list[str]:
    told: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            who = variant_label(row.variant).full
            told.setdefault(note.replace(f" under {protocol}", ""), []).append(who)
    return bullets(f"{note}: {', '.join(who)}" for note, who in told.items())


def _costs(boards: Iterable[Standings]) -> list[str]:
    """What the sets of one setting cost, which is the same on all its boards.

    For sets that were made elsewhere this is unknown.
    """
    labels = Labels()
    rows = {
        (row.ipc, row.variant): row
        for one in boards
        for row in sorted(one.rows, key=lambda row: len(row.seeds))
        if row.making.distil_seconds is not None
    }
    if not rows:
        return []
    around = Around(labels)
    columns = [column for column in COLUMNS if column.costs]
    cells = [
        [column.text(row, around) for column in columns]
        for row in (rows[place] for place in sorted(rows))
    ]
    headers = [column.costs for column in columns]
    devices = sorted({row.making.device for row in rows.values()})
    told = wrapped(
        "Seconds are medians over seeds, memory the largest; `networks`: teachers and experts "
        f"trained for the method. Measured on {'; '.join(map(safe, devices))}. {COSTS_DEPEND}"
    )
    return ["### What the sets cost", told, table(cells, headers), *labels.legend()]


def _topic(topic: Topic, rows: Sequence[Other]) -> list[str]:
    """One table of another metric, with methods or one coordinate side by side if that fits."""
    labels = Labels()
    drawn = layout(rows, SIDE_BY_SIDE)
    heads = list(dict.fromkeys(map(drawn.head, rows)))
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        own = lines.setdefault(drawn.line(row), {})
        own[drawn.head(row)] = value(row.estimate, topic.unit)
        own["n"] = counts(row.estimate)
    named = {row.label.full: row.label for row in rows}
    if drawn.across == METHOD:
        method, told = [], [labels(named[head]) for head in heads]
    else:
        method, told = ["method"], [head or "value" for head in heads]
        lines = {(line[0], labels(named[line[1]]), *line[2:]): own for line, own in lines.items()}
    cells = [[*line, *(own[head] for head in (*heads, "n"))] for line, own in lines.items()]
    by = f" by {drawn.across}" if drawn.across else ""
    under = f" under {topic.protocol.label}" if topic.protocol else ""
    unit = "%" if topic.unit == "fraction" else topic.unit
    notes = sorted({note for row in rows for note in row.notes})
    of = safe(f", {unit}" if unit else "")
    if len(cells) > MOST_LINES:
        left = f"{len(rows)} values are in [other measurements](../measurements.csv)."
        return [f"### {topic.metric}{under}{of}", left]
    return [
        f"### {topic.metric}{under}{by}{of}",
        table(cells, ["ipc", *method, *drawn.shown, *told, "n"]),
        *bullets(f"{name}: {place}" for name, place in drawn.shared.items()),
        *bullets(notes),
        *labels.legend(),
    ]


def _title(one: Standings) -> str:
    told = f"{setting_title(one.board.setting)}, {one.board.protocol.label}"
    return f"{told}, {one.board.labels or 'no labels'}"


def _plain_estimate(values: tuple[float, ...]) -> Estimate:
    return over_seeds_and_networks({0: values})
