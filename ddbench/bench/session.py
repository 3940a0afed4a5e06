"""A whole measurement: all requested work, at all sizes, and its record."""

from __future__ import annotations

import itertools
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

from ..errors import UserError
from ..runs.overrides import parsed, readable
from ..runtime.device import Execution, process_settings_restored
from ..runtime.environment import environment
from ..runtime.progress import Progress
from .growth import Growth, Size, grow, words_of
from .measure import Measured, Measuring, NotMeasured, Plan, Quartiles, measure
from .other import KEEPING_MEMORY, Other
from .worker import Worker
from .workloads import check_names, check_words, completed

SCHEMA = "ddbench-bench/1"


@dataclass(frozen=True)
class Asked:
    """What to measure.

    Args:
        names: the names of work; none: all there is.
        words: the words of a run; a key may have several values, A,B,C.
        against: words that start another ddbench, or none.
        sizes: sizes with which work grows; if there are any, only growth is measured.
        plan: how long to measure.
    """

    names: Sequence[str]
    words: Sequence[str]
    against: Sequence[str] = ()
    sizes: Sequence[Size] = ()
    plan: Plan = field(default_factory=Plan)


@dataclass
class Bench:
    """What was measured.

    Args:
        facts: facts about the machine and both sides, in plain JSON types.
        measured: one row for each part of the work.
        growth: one row for each part and size.
        skipped: why work was not measured, by its name.
    """

    facts: dict[str, Any]
    measured: list[Measured] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Plain JSON types, with the summaries of lists that tables show."""
        return {
            "schema": SCHEMA,
            **self.facts,
            "measured": [plain_of(one) for one in self.measured],
            "growth": [one.plain() for one in self.growth],
            "skipped": self.skipped,
        }


def plain_of(measured: Measured) -> dict[str, Any]:
    """All readings of a part, and their quartiles."""
    spreads = {
        "seconds": measured.seconds,
        "times_the_floor": measured.ratios_to_floor,
        "other_times_the_floor": measured.other_ratios_to_floor,
        "times_as_fast_as_other": measured.ratios_to_other,
    }
    quartiles = {name: Quartiles.of(values) for name, values in spreads.items()}
    return {
        **asdict(measured),
        "images_per_second": measured.images_per_second,
        "quartiles": {name: spread and asdict(spread) for name, spread in quartiles.items()},
    }


def run_bench(asked: Asked, progress: Progress) -> Bench:
    """Measure all that is asked for.

    Args:
        asked: what to measure.
        progress: prints a line for each piece of work.

    Raises:
        UserError: for a mistake in what is asked, and for another ddbench that does not answer.
    """
    names, cases = check_names(asked.names), cases_of(asked.words)
    for _, words in cases:
        check_words(words)
    begun, load = time.time(), psutil.getloadavg()
    with ExitStack() as stack:
        own: Measuring
        other = None
        sides: dict[str, Any] = {"own": None, "other": None}
        if asked.against:
            other = stack.enter_context(closing(Other(asked.against)))
            own = stack.enter_context(closing(there := Other.own()))
            sides = {"own": there.whereabouts, "other": other.whereabouts}
        else:
            own = stack.enter_context(closing(Worker()))
        bench = Bench({})
        works = list(_works(names, cases, asked.sizes))
        if not works:
            raise UserError("grow: none of the work that is named has such a size")
        floor: Measuring = own
        if not asked.sizes:
            floor = stack.enter_context(closing(Other.own(KEEPING_MEMORY)))
        phase = stack.enter_context(progress.phase("bench", len(works)))
        for number, (name, case, words, size) in enumerate(works):
            try:
                if size is None:
                    for one in measure(own, name, words, case, asked.plan, floor, other):
                        bench.measured.append(one)
                        progress.say(f"{number + 1}/{len(works)} {one.in_words()}")
                else:
                    bench.growth += grow(own, name, words, case, size, asked.plan)
                    what = f"{name} {case}".strip()
                    progress.say(f"{number + 1}/{len(works)} {what} by {size.name}")
            except (UserError, NotMeasured) as reason:
                if isinstance(reason, UserError) and asked.against:
                    raise  # one of the two processes has ended
                if asked.names:  # it was asked for by its name
                    raise UserError(f"{name}: {reason}") from reason
                bench.skipped[name] = str(reason)
            phase.advance(number + 1)
    if bench.skipped and not bench.measured and not bench.growth:
        raise UserError("; ".join(dict.fromkeys(bench.skipped.values())))
    bench.facts = {
        "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(begun)),
        "seconds": round(time.time() - begun, 1),
        "words": list(asked.words),
        "plan": asdict(asked.plan),
        **sides,
        "against": shlex.join(asked.against) or None,
        "environment": _environment(cases[0][1]),
        "processors": psutil.cpu_count(),
        "load_average": {"begun": load, "ended": psutil.getloadavg()},
    }
    return bench


def cases_of(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Each case as the words that distinguish it, and all its words with one value per key.

    Raises:
        UserError: for invalid words.
    """
    choices, varied = [], []
    for word in readable(words):
        item = parsed(word)
        values = list(item.sweep_string_iterator()) if item.is_sweep_override() else []
        key = word.partition("=")[0]
        choices.append([f"{key}={value}" for value in values] or [word])
        varied.append(bool(values))
    cases = []
    for chosen in itertools.product(*choices):
        apart = [word for word, several in zip(chosen, varied, strict=True) if several]
        cases.append((" ".join(apart), completed(chosen)))
    return cases


def _works(
    names: Sequence[str], cases: Sequence[tuple[str, list[str]]], sizes: Sequence[Size]
) -> Iterator[tuple[str, str, list[str], Size | None]]:
    """What is measured, in order; with sizes, each work with each size that applies to it."""
    for (case, words), name in itertools.product(cases, names):
        if not sizes:
            yield name, case, words, None
        for size in sizes:
            if words_of(size, name, words) is not None:
                yield name, case, words, size


def _environment(words: Sequence[str]) -> dict[str, Any]:
    """Machine and versions, with the device and threads that a case's words select."""
    given = dict(word.split("=", 1) for word in words)
    threads = int(given["threads"]) if "threads" in given else None
    with process_settings_restored():
        return environment(Execution.start(given.get("device", "auto"), threads))
