"""How time and memory grow with a size: the exponent of a power law, by least squares."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..data.registry import DATASETS
from ..errors import unknown_name
from .measure import WALL, Measuring, Plan, opened_parts
from .workloads import NAS_CELL, OTHERS, STUDENT, TEACHER, TESTING, settings_of

BATCH = "batch"
"""The size that no word of a run sets: the mini-batch in training."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Size:
    """A size that can be varied.

    Args:
        name: the size's name.
        key: the key of the words that set it, or BATCH; "method.SETTING" grows the methods that
            have the setting.
        values: the values that it takes.
        work: other work that grows with it.
        fixed: words that stay fixed meanwhile; if there are any, a method must have the setting
            of at least one of these "method.SETTING=VALUE".
        of_methods: whether methods grow with it.
    """

    name: str
    key: str
    values: tuple[int, ...]
    work: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    of_methods: bool = True


SIZES = (
    Size("N", "ipc", (4, 10, 20, 40), (),
         ("method.images_per_update=20", "method.images_per_step=20",
          "method.part=20", "method.online_batch=20")),
    Size("classes", "dataset.classes", (5, 10, 20, 40)),
    Size("ipc", "ipc", (1, 2, 5, 10), (STUDENT,)),
    Size("resolution", "dataset.resolution", (16, 32, 64), OTHERS),
    Size("width", "model.width", (16, 32, 64, 128), (TEACHER, STUDENT, TESTING)),
    Size("K", "method.checkpoints", (1, 2, 4, 8)),
    Size("segment", "method.segment", (10, 25, 50, 100)),
    Size("steps", "method.student_steps", (2, 4, 8, 16)),
    Size("pool", "method.online_networks", (2, 4, 8, 16)),
    Size("solver", "method.solver_steps", (5, 10, 20, 40)),
    Size("window", "method.window", (4, 8, 16, 32), (), ("method.total=40",)),
    Size("total", "method.total", (10, 20, 40, 80), (), ("method.window=8",)),
    Size("batch", BATCH, (25, 50, 100, 200), (TEACHER, NAS_CELL), of_methods=False),
    Size("images", "dataset.images", (32, 64, 128, 256), (TESTING,), of_methods=False),
)  # fmt: skip
"""`docs/speed.md` describes each of them."""


@dataclass(frozen=True)
class Exponent:
    """The exponent b in y = a x^b, with its 95% t interval, whose bounds are None if unknown."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Growth:
    """How one piece of work grows with one size.

    Args:
        label: the label of the work.
        case: the words by which it differs from others in the same table.
        size: the size's name.
        clock: the clock by which seconds are taken.
        values: the values of the size.
        seconds: time to do the work once, at each value; the median of a few readings.
        peak_bytes: peak memory at each value; empty if unknown.
        kept_bytes: memory that stays from one time to the next; empty if none does.
    """

    label: str
    case: str
    size: str
    clock: str
    values: tuple[int, ...]
    seconds: tuple[float, ...]
    peak_bytes: tuple[int, ...]
    kept_bytes: tuple[int, ...] = ()

    @property
    def of_seconds(self) -> Exponent | None:
        """The exponent of the seconds."""
        return exponent(self.values, self.seconds)

    @property
    def of_memory(self) -> Exponent | None:
        """The exponent of peak memory."""
        return exponent(self.values, self.peak_bytes)

    @property
    def of_kept(self) -> Exponent | None:
        """The exponent of the memory that stays."""
        return exponent(self.values, self.kept_bytes)

    def plain(self) -> dict[str, Any]:
        """Plain JSON types."""
        fits = {
            "seconds_exponent": self.of_seconds,
            "memory_exponent": self.of_memory,
            "kept_exponent": self.of_kept,
        }
        return {**asdict(self), **{name: fit and asdict(fit) for name, fit in fits.items()}}


def sizes_named(text: str) -> list[Size]:
    """The sizes of a list of names, or all of them.

    Raises:
        UserError: for an unknown name.
    """
    known = {size.name: size for size in SIZES}
    if text == "all":
        return list(SIZES)
    for name in text.split(","):
        if name not in known:
            raise unknown_name("size", name, [*known, "all"])
    return [known[name] for name in dict.fromkeys(text.split(","))]


def words_of(size: Size, name: str, words: Sequence[str] = ()) -> list[str] | None:
    """The words that stay fixed while work grows; None if it does not grow with that size.

    Args:
        size: the size.
        name: the name of the work.
        words: the words of the task, whose dataset may come in only one size.
    """
    group, _, needed = size.key.partition(".")
    for dataset in [word.partition("=")[2] for word in words if word.startswith("dataset=")]:
        if group == "dataset" and dataset in DATASETS:
            # A size is a number; in other datasets `classes` are names.
            settable = fields(DATASETS[dataset].Settings)
            if needed not in {item.name for item in settable if isinstance(item.default, int)}:
                return None
    settings = settings_of(name)
    if settings is None:
        return [] if name in size.work else None
    if not size.of_methods or (group == "method" and needed not in settings):
        return None
    fixed = [word for word in size.fixed if _setting(word) in settings]
    return None if size.fixed and not fixed else fixed


def _setting(word: str) -> str:
    return word.partition("=")[0].removeprefix("method.")


def grow(
    own: Measuring, name: str, words: Sequence[str], case: str, size: Size, plan: Plan
) -> Iterator[Growth]:
    """Measure work at each value of a size.

    Yields:
        one result for each part of the work.
    """
    kept = [word for word in words if word.partition("=")[0] != size.key]
    fixed = words_of(size, name) or []
    rows: dict[str, list[tuple[int, float, int | None, int | None]]] = {}
    clock = ""
    for value in size.values:
        batch = value if size.key == BATCH else plan.batch
        given = [] if size.key == BATCH else [f"{size.key}={value}"]
        opened, parts = opened_parts(own, name, [*kept, *fixed, *given], batch)
        clock = plan.clock(opened)
        for part in parts:
            number = part["number"]
            first = own.peak(number)
            times = plan.times(first[WALL])
            readings = [own.step(number, times)[clock] for _ in range(plan.fewest)]
            label = f"{name}, {part['which']}" if part["which"] else name
            bytes_of = (first["peak_bytes"], first["kept_bytes"])
            point = (value, statistics.median(readings), *bytes_of)
            rows.setdefault(label, []).append(point)
    for label, row in rows.items():
        values, seconds, *counts = zip(*row, strict=True)
        yield Growth(label, case, size.name, clock, values, seconds, *map(_known, counts))


def _known(counts: Sequence[int | None]) -> tuple[int, ...]:
    """The counts, or an empty tuple if any is unknown."""
    known = tuple(count for count in counts if count is not None)
    return known if len(known) == len(counts) else ()


def exponent(sizes: Sequence[float], values: Sequence[float]) -> Exponent | None:
    """The exponent b in value = a size^b, by least squares on logarithms.

    None for fewer than two values, or if a value is not above 0 and has no logarithm.
    """
    if len(values) < 2 or min(values) <= 0:
        return None
    if min(values) == max(values):  # for which least squares gives no correlation
        return Exponent(0.0, 0.0, 0.0) if len(values) > 2 else Exponent(0.0, None, None)
    from scipy import special, stats

    fit = stats.linregress([math.log(x) for x in sizes], [math.log(y) for y in values])
    slope, degrees = float(fit.slope), len(values) - 2
    if not degrees:
        return Exponent(slope, None, None)
    half = float(special.stdtrit(degrees, (1 + CONFIDENCE) / 2) * fit.stderr)
    return Exponent(slope, slope - half, slope + half)
