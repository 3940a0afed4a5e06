"""Released sets scored here, compared with what their authors recorded or published."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..figures import COLOURS, new_figure
from ..records.checking import is_own_accuracy
from ..records.record import Record
from ..records.statistics import Estimate, difference_of_means, half_width, percentage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTE = (
    "Accuracy in %; ± is the 95% interval over networks. The difference is re-scored less "
    "recorded, with Welch's interval over the networks of both, where the authors' file holds the "
    "accuracy of each network; beside a published figure the interval is that of the re-scored "
    "mean alone. Initial weights, orders of images and augmentations are drawn anew."
)


@dataclass(frozen=True)
class Published:
    """An accuracy that the authors published.

    Args:
        accuracy: in [0, 1].
        source: paper and table.
    """

    accuracy: float
    source: str


@dataclass(frozen=True)
class ReleasedSet:
    """A released set that a study names.

    Args:
        name: name of its row.
        file: path of the file or folder, relative to the folder that the user gives.
        like: its family.
        dataset: the dataset that it was distilled from.
        says: facts that neither file nor family states, by the names of `ImportChoice`.
        given: keys of `ddbench evaluate` for this set alone, such as "budget.networks=5".
        published: the published accuracy of the set, if any.
    """

    name: str
    file: str
    like: str
    dataset: str
    says: dict[str, str]
    given: tuple[str, ...] = ()
    published: Published | None = None

    @classmethod
    def from_plain(cls, row: dict[str, Any]) -> ReleasedSet:
        """A released set from a row of a study's file.

        Raises:
            TypeError, KeyError: if the row is malformed.
        """
        values = dict(row)
        published = values.pop("published", None)
        says = {key: str(value) for key, value in values.pop("says", {}).items()}
        given = tuple(shlex.split(values.pop("given", "")))
        return cls(
            **values,
            says=says,
            given=given,
            published=Published(**published) if published else None,
        )


@dataclass(frozen=True)
class Comparison:
    """A scored released set.

    Args:
        released: the set.
        record: the record of scoring it.
        values: re-scored accuracy of each network.
        recorded: accuracies that the authors' code left in the file, one per network.
    """

    released: ReleasedSet
    record: Record
    values: tuple[float, ...]
    recorded: tuple[float, ...]

    @classmethod
    def of(cls, released: ReleasedSet, record: Record) -> Comparison:
        """The comparison from a record.

        Raises:
            UserError: if the record holds no accuracy, with the reason.
        """
        own = [
            m
            for m in record.measurements
            if is_own_accuracy(m) and m.coordinates["subject"] == record.method.name
        ]
        scored = [m for m in own if m.values]
        if not scored:
            why = own[0].note if own else "no accuracy was asked for"
            raise UserError(f"{released.file} was not scored: {why}")
        recorded = record.origin.recorded if record.origin else {}
        only = next(iter(recorded.values())) if len(recorded) == 1 else ()
        return cls(released, record, scored[0].values, only)

    @property
    def reference(self) -> float | None:
        """The authors' accuracy: recorded, or else published; None if there is neither."""
        if self.recorded:
            return fmean(self.recorded)
        return self.released.published.accuracy if self.released.published else None

    @property
    def difference(self) -> Estimate | None:
        """Re-scored minus the authors' accuracy; None if there is nothing to compare with."""
        if self.reference is None:
            return None
        if len(self.recorded) > 1 and len(self.values) > 1:
            return difference_of_means(self.values, self.recorded)
        shifted = tuple(value - self.reference for value in self.values)
        over = "networks" if len(shifted) > 1 else ""
        return Estimate(fmean(shifted), half_width(shifted), over, 1, len(shifted), shifted)

    @property
    def verdict(self) -> str:
        """Whether the interval of the difference contains 0, in words."""
        if self.difference is None:
            return "nothing to compare with"
        if self.difference.half_width is None:
            return "one network, no interval"
        return "agrees" if self.difference.holds_zero else "differs"


def released_markdown(title: str, about: str, rows: Sequence[Comparison], left: str) -> str:
    """The report of a study of released sets in Markdown.

    Args:
        title: the question.
        about: what is compared and why.
        rows: the sets that were scored.
        left: text on the sets that were not scored; "" for none.
    """
    import pandas as pd

    table = pd.DataFrame([_row(one) for one in rows])
    parts = [f"# {title}", about.strip(), NOTE]
    if rows:
        parts.append(table.to_markdown(index=False, disable_numparse=True))
    sources = [
        f"{one.released.name}: {100 * one.released.published.accuracy:.1f}, "
        f"{one.released.published.source}"
        for one in rows
        if one.released.published
    ]
    if sources:
        parts.append("Published: " + "; ".join(sources) + ".")
    return "\n\n".join([*parts, *([left] if left else [])]) + "\n"


def _row(one: Comparison) -> dict[str, str]:
    task, published, difference = one.record.task, one.released.published, one.difference
    return {
        "set": one.released.name,
        "dataset": task.dataset.name,
        "input space": task.input_space,
        "students": task.model.label,
        "recorded": _text(one.recorded),
        "published": f"{100 * published.accuracy:.1f}" if published else "",
        "re-scored": _text(one.values),
        "difference": percentage(difference.mean, difference.half_width, sign=True)
        if difference
        else "",
        "verdict": one.verdict,
    }


def _text(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{percentage(fmean(values), half_width(values))} (n {len(values)})"


def released_figure(title: str, rows: Sequence[Comparison]) -> Figure | None:
    """The authors' accuracy next to ours, and the difference, with 95% intervals.

    One line per set; None if no set has both.
    """
    rows = [one for one in rows if one.reference is not None]
    if not rows:
        return None
    figure = new_figure(9, 0.5 * len(rows) + 1.3)
    figure.suptitle(title, fontsize=10)
    axes, less = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    less.axvline(0, color="black", linewidth=0.8)
    for place, one in enumerate(rows):
        for shift, values, name, colour, mark in (
            (-0.12, one.recorded or (one.reference,), "authors", COLOURS[1], "s"),
            (0.12, one.values, "ddbench", COLOURS[0], "o"),
        ):
            numbers = [100 * value for value in values if value is not None]
            label = name if place == 0 else None
            style = {"fmt": mark, "color": colour, "capsize": 3, "label": label}
            axes.errorbar(fmean(numbers), place + shift, xerr=half_width(numbers) or 0.0, **style)
        assert one.difference is not None  # it has a reference
        interval = 100 * (one.difference.half_width or 0.0)
        less.errorbar(
            100 * one.difference.mean, place, xerr=interval, fmt="D", color=COLOURS[2], capsize=3
        )
    axes.set_yticks(range(len(rows)), [one.released.name for one in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("test accuracy in %")
    less.set_xlabel("ddbench - authors, in points")
    for axis in (axes, less):
        axis.grid(axis="x", alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", fontsize=8)
    return figure
