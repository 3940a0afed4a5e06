"""What a study is: `configs/study/<name>.yaml`, and the sweeps that it stands for."""

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
        name: what it tells.
        of: the words that the first cells have, such as "experiment=apm_equation_4".
        protocol: under which they are scored, such as "soft/1".
        minus: the words of the cells that are taken away; None: those of `of`.
        minus_protocol: their protocol; None: `protocol`.
    """

    name: str
    of: str
    protocol: str
    minus: str | None = None
    minus_protocol: str | None = None


@dataclass(frozen=True)
class FigureSpec:
    """A picture of a study; its kinds are in `ddbench.studies.figures`.

    Args:
        name: of the file.
        kind: "differences", "steps", "line" or "tradeoff" (memory against time).
        of: only cells with these words.
        x: of a line: the setting along the axis.
        y: of a line: the metric, "accuracy" or that of another evaluator.
        protocols: of steps and lines: the protocols that are drawn; all where none are named.
        scalars: of steps: entries of the distilling log, drawn below the accuracy.
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
    """Where a publication prints what a study measures.

    Args:
        paper: name of a file of `leaderboards/published`.
        place: in it, such as "Table 1".
        dataset: whose numbers are meant; "": all.
    """

    paper: str
    place: str
    dataset: str = ""


@dataclass(frozen=True)
class Study:
    """A named experiment.

    Args:
        title: the question.
        about: what is compared and why, for people.
        sweeps: the arguments of one `ddbench run -m` each; in the file also those of its `parts`,
            which are other studies, whose labels, contrasts and figures it has as well.
        labels: words of a cell, and names of scalars, in plain language, such as
            {"experiment=random": "Random"}.
        contrasts: differences that the table ends with.
        figures: the pictures.
        released: of a study of sets that others released: the sets, scored by `given`, in the
            place of sweeps.
        given: keys of `ddbench evaluate` for all of them.
        published: what the study ends beside, where a publication prints it.
        spreads: keys of words whose values only repeat a cell, such as {"seed": "seeds"}; the table
            has the standard deviation over each of them.
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
    """The studies that there are."""
    return preset_names(GROUP)


def load_study(name: str) -> Study:
    """The study of a name.

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
    """Arguments with those that are given instead of or beside them, which come last."""
    keys = {word.lstrip("+~").partition("=")[0] for word in given}
    return [*(word for word in words if word.partition("=")[0] not in keys), *given]


def sweeps_with(
    study: Study,
    given: Sequence[str],
    takes: Callable[[Sequence[str], str], bool] = lambda words, word: True,
) -> list[list[str]]:
    """The study's sweeps with the arguments that a person gave instead of or beside its own.

    Sweeps that become the same are done once.

    Args:
        study: whose sweeps.
        given: arguments of a person.
        takes: whether a sweep takes an argument; one of another method's settings is left out.
    """
    sweeps = [
        replaced(words, [word for word in given if takes(words, word)]) for words in study.sweeps
    ]
    return [words for number, words in enumerate(sweeps) if words not in sweeps[:number]]
