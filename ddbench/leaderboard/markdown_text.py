"""Words, numbers and tables of the Markdown files, 79 columns wide where they can be."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from string import ascii_lowercase

from ..records.report import NOT_MEASURED
from ..records.statistics import Estimate, percentage
from ..records.units import duration, size
from .labels import Label

WIDTH = 79
LONGEST_LABEL = 12
ENTITIES = str.maketrans(
    {"|": "&#124;", "<": "&lt;", "\n": " ", "[": "&#91;", "]": "&#93;", "`": "'"}
)
"""Replacements for characters that would be read as markup."""


def table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    """A Markdown table with aligned source; cells are plain text."""
    from tabulate import tabulate

    cells = [[safe(cell) for cell in row] for row in rows]
    # Passed as an ordinary row, the header takes no more room than it needs.
    drawn = tabulate([headers, *cells], tablefmt="github", disable_numparse=True)
    rule, *lines = drawn.splitlines()
    return "\n".join([lines[0], rule, *lines[1:]])


def tables(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> list[str]:
    """A table, or several with the same first column if one would be wider than a page."""
    columns = list(zip(headers, *rows, strict=True))
    widths = [max(len(safe(cell)) for cell in column) + len(" | ") for column in columns]
    parts: list[list[int]] = [[]]
    for place in range(1, len(columns)):
        taken = widths[0] + 1 + sum(widths[own] for own in parts[-1])
        if parts[-1] and taken + widths[place] > WIDTH + 1:
            parts.append([])
        parts[-1].append(place)
    return [
        table([[row[0], *(row[own] for own in part)] for row in rows],
              [headers[0], *(headers[own] for own in part)])
        for part in parts
    ]  # fmt: skip


def wrapped(text: str) -> str:
    """A paragraph wrapped at 79 columns."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def percent(estimate: Estimate | None, sign: bool = False) -> str:
    """A fraction as a percentage with its interval."""
    if estimate is None:
        return NOT_MEASURED
    return percentage(estimate.mean, estimate.half_width, sign)


def counts(estimate: Estimate) -> str:
    """Seeds and networks, with a star if the interval is not over seeds."""
    return estimate.n if estimate.over == "seeds" else f"{estimate.n}*"


def bullets(lines: Iterable[str]) -> list[str]:
    """A list with one paragraph per entry, or nothing."""
    filled = [
        textwrap.fill(
            f"- {safe(line)}",
            WIDTH,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines
    ]
    return ["\n".join(filled)] if filled else []


class Labels:
    """Names that fit their column: a long one is shortened, and explained below the table."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, label: Label, longest: int = LONGEST_LABEL) -> str:
        """The name in its column: in full up to `longest` characters."""
        if len(label.full) <= longest or label.full == label.short:
            return label.full
        number = self.numbers.setdefault(label.full, len(self.numbers) + 1)
        return f"{label.short} #{number}"

    def legend(self) -> list[str]:
        """The full names, as a list; nothing if none was shortened."""
        return bullets(f"#{number}: {label}" for label, number in self.numbers.items())


class Marks:
    """Letters in a narrow column that refer to notes below the table."""

    def __init__(self) -> None:
        self.letters: dict[str, str] = {}

    def __call__(self, told: str) -> str:
        """The letter for a note: a to z, then aa."""
        if told not in self.letters:
            turn, letter = divmod(len(self.letters), len(ascii_lowercase))
            self.letters[told] = ascii_lowercase[letter] * (turn + 1)
        return self.letters[told]

    def legend(self) -> list[str]:
        """The notes by their letters, as a list."""
        return bullets(f"{letter}: {told}" for told, letter in self.letters.items())


def value(estimate: Estimate | None, unit: str) -> str:
    """A value with its interval, formatted for its unit."""
    if estimate is None:
        return NOT_MEASURED
    if unit == "fraction":
        return percent(estimate)
    if unit in ("seconds", "bytes"):
        return duration(estimate.mean) if unit == "seconds" else size(round(estimate.mean))
    width = estimate.half_width
    return f"{estimate.mean:.3g}" + ("" if width is None else f" ± {width:.2g}")


def p_value_text(value: float | None) -> str:
    """A p value to three digits."""
    if value is None:
        return NOT_MEASURED
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def safe(text: str) -> str:
    """Escape a record's text, so that it opens or closes no column, link, image or tag."""
    return text.translate(ENTITIES)


def as_page(parts: Iterable[str]) -> str:
    """Headings, paragraphs and tables joined to a file."""
    return "\n\n".join(parts) + "\n"
