"""The definition of a study, `configs/study/<name>.yaml`, and its sweeps."""

from __future__ import annotations

import shlex
from collections import ChainMap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import UserError, unknown_name
from ..plugins.presets import preset, preset_names
from .released import ReleasedSet

GROUP = "study"


@dataclass(frozen=True)
class Contrast:
    """A difference of two accuracies, paired over seeds and evaluation networks.

    Args:
        name: what it shows.
        of: overrides of the first cells, such as "experiment=apm_equation_4".
        protocol: the protocol of their accuracy, such as "soft/1".
        minus: overrides of the cells that are subtracted; None: those of `of`.
        minus_protocol: the protocol of those; None: `protocol`.
    """

    name: str
    of: str
    protocol: str
    minus: str | None = None
    minus_protocol: str | None = None


@dataclass(frozen=True)
class FigureSpec:
    """A figure of a study; its kinds are in `ddbench.studies.figures`.

    Args:
        name: name of the file.
        kind: "differences", "steps", "line" or "tradeoff" (memory against time).
        of: only cells with these overrides are drawn.
        x: for "line": the setting on the x axis.
        y: for "line": the metric, "accuracy" or that of another evaluator.
        protocols: protocols to draw; all if none are named.
        scalars: for "steps": entries of the distilling log, drawn below the accuracy.
    """

    name: str
    kind: str
    of: str = ""
    x: str = ""
    y: str = "accuracy"
    protocols: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """The place in a publication with the published values of a study.

    Args:
        paper: name of a file in `leaderboards/published`.
        place: place in the paper, such as "Table 1".
        dataset: the dataset whose values are used; "": all.
    """

    paper: str
    place: str
    dataset: str = ""


@dataclass(frozen=True)
class Study:
    """A named experiment.

    Args:
        title: the question.
        about: what is compared and why.
        sweeps: the arguments of one `ddbench run -m` each. A file may name other studies as its
            `parts`, whose sweeps, labels, contrasts and figures are included.
        labels: display names of overrides and scalars, such as {"experiment=random": "Random"}.
        contrasts: differences listed at the end of the report.
        figures: the figures.
        released: for a study of released sets: the sets, scored with `given`, instead of sweeps.
        given: keys of `ddbench evaluate` for all released sets.
        published: the published values with which the study is compared, if any.
        spreads: keys whose values only repeat a cell, with labels, such as {"seed": "seeds"}; the
            report gives the standard deviation over each of them.
    """

    title: str
    about: str
    sweeps: tuple[tuple[str, ...], ...]
    labels: dict[str, str] = field(default_factory=dict)
    contrasts: tuple[Contrast, ...] = ()
    figures: tuple[FigureSpec, ...] = ()
    released: tuple[ReleasedSet, ...] = ()
    given: tuple[str, ...] = ()
    published: Place | None = None
    spreads: dict[str, str] = field(default_factory=dict)


def study_names() -> list[str]:
    """The names of all studies."""
    return preset_names(GROUP)


def load_study(name: str) -> Study:
    """The study with a name.

    Raises:
        UserError: for an unknown name, or a file that is not a study.
    """
    if name not in study_names():
        raise unknown_name("study", name, study_names())
    values: dict[str, Any] = dict(preset(GROUP, name))
    try:
        released = tuple(map(ReleasedSet.from_plain, values.pop("released", ())))
        given = tuple(shlex.split(values.pop("given", "")))
        written = (
            values.pop("sweeps", ()) if released or "parts" in values else values.pop("sweeps")
        )
        sweeps = tuple(tuple(shlex.split(words)) for words in written)
        place = values.pop("published", None)
        parts = [load_study(part) for part in values.pop("parts", ())]
        contrasts = tuple(Contrast(**row) for row in values.pop("contrasts", ()))
        figures = tuple(_figure(row) for row in values.pop("figures", ()))
        return Study(
            sweeps=sum((part.sweeps for part in parts), sweeps),
            labels=dict(ChainMap(values.pop("labels", {}), *(part.labels for part in parts))),
            contrasts=sum((part.contrasts for part in parts), contrasts),
            figures=sum((part.figures for part in parts), figures),
            released=released,
            given=given,
            published=Place(**place) if place else None,
            **values,
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(f"study {name}.yaml: {error}") from error


def _figure(row: dict[str, Any]) -> FigureSpec:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return FigureSpec(**values)


def replaced(words: Sequence[str], given: Sequence[str]) -> list[str]:
    """Arguments with given ones added at the end, which replace those with the same keys."""
    keys = {word.lstrip("+~").partition("=")[0] for word in given}
    return [*(word for word in words if word.partition("=")[0] not in keys), *given]


def sweeps_with(
    study: Study,
    given: Sequence[str],
    takes: Callable[[Sequence[str], str], bool] = lambda words, word: True,
) -> list[list[str]]:
    """The study's sweeps, with the user's arguments added or replacing its own.

    Sweeps that become identical are run once.

    Args:
        study: the study.
        given: the user's arguments.
        takes: whether a sweep accepts an argument; settings of another method are left out.
    """
    sweeps = [
        replaced(words, [word for word in given if takes(words, word)]) for words in study.sweeps
    ]
    return [words for number, words in enumerate(sweeps) if words not in sweeps[:number]]
