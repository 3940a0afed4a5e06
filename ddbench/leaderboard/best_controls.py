"""What a method's images add beyond real images and labels: improvement over the best control.

A control is a set of real images, as they are or cropped and shrunk, that takes no more bytes than
the method's. The one with the highest mean test accuracy is compared, which favours the control.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

from ..errors import UserError
from ..records.facts import ProtocolFacts
from ..records.record import Record
from ..records.statistics import FEWEST_SEEDS, Estimate, paired_difference
from .boards import Board, Cell
from .entries import Setting, Variant
from .standings import Standings

ANY = "any labels"
"""The name of the comparison over all protocols."""

Cells = Mapping[Board, Mapping[int, Mapping[Variant, Cell]]]


@dataclass(frozen=True)
class Scored:
    """A method at one ipc under one protocol.

    Args:
        ipc: images per class.
        variant: the method as it was run.
        protocol: the protocol under which its students were trained.
        labels: where their labels came from.
        mean: the mean accuracy, a fraction.
        storage_bytes: the size of images and labels.
        scores: by distillation seed, one accuracy per evaluation network.
    """

    ipc: int
    variant: Variant
    protocol: ProtocolFacts
    labels: str
    mean: float
    storage_bytes: int
    scores: Mapping[int, tuple[float, ...]] = field(compare=False, repr=False)

    @cached_property
    def across_ipc(self) -> Variant:
        """The variant, whatever its recipe gives at each ipc."""
        return self.variant.across_ipc

    @property
    def has_seeds(self) -> bool:
        """Whether there are enough distillation seeds for an interval over them."""
        return len(self.scores) >= FEWEST_SEEDS


@dataclass(frozen=True)
class Improvement:
    """A method beside the best control that takes no more bytes.

    Args:
        protocol: the protocol under which both were scored; None for the best of each over all
            protocols.
        own: the method.
        control: the best control; None if there is none.
        difference: accuracy of the method minus that of the control, from `paired_difference`.
        controls: how many methods, as they were run, the best control was chosen from.
        heavier: how many scored controls are excluded because they take more bytes.
        filled: whether any control that fits takes more than half of the method's bytes. Whole
            images per class always can; if none does, controls of that size were not scored.
    """

    protocol: ProtocolFacts | None
    own: Scored
    control: Scored | None
    difference: Estimate | None
    controls: int
    heavier: int
    filled: bool

    @property
    def relation(self) -> int | None:
        """1 or -1 if the interval is above or below 0, else 0.

        None (no verdict) without a control, if controls are much smaller, or if either has fewer
        than three seeds.
        """
        if self.control is None or self.difference is None or not self.filled:
            return None
        if not (self.own.has_seeds and self.control.has_seeds):
            return None
        if self.difference.holds_zero:
            return 0
        return 1 if self.difference.mean > 0 else -1

    @property
    def reason(self) -> str:
        """Why there is no difference; "" if there is one."""
        if self.control is not None:
            return ""
        under = f"under {self.protocol.label}" if self.protocol else "under its protocols"
        if not self.heavier:
            return f"no control {under}"
        return f"every control {under} takes more bytes"


def improvements(found: Cells, boards: Iterable[Standings]) -> dict[Setting, list[Improvement]]:
    """Every method that is not a control, at each ipc, under each of its protocols and over all.

    Args:
        found: accuracies by board, ipc and variant.
        boards: the standings on these boards.
    """
    methods: dict[Setting, list[Scored]] = {}
    controls: dict[Setting, list[Scored]] = {}
    for one in boards:
        by_ipc, setting = found[one.board], one.board.setting
        for row in one.rows:
            if row.accuracy is None:
                continue
            cell = by_ipc[row.ipc][row.variant]
            scored = Scored(
                row.ipc,
                row.variant,
                one.board.protocol,
                one.board.labels,
                row.accuracy.mean,
                row.making.storage_bytes,
                cell.scores,
            )
            chosen = all(map(is_control, cell.records.values()))
            (controls if chosen else methods).setdefault(setting, []).append(scored)
    return {
        setting: _of_setting(own, controls.get(setting, []))
        for setting, own in sorted(methods.items())
    }


def _of_setting(methods: Sequence[Scored], controls: Sequence[Scored]) -> list[Improvement]:
    places: dict[tuple[int, Variant], list[Scored]] = {}
    for one in methods:
        places.setdefault((one.ipc, one.variant), []).append(one)
    under: dict[ProtocolFacts, list[Scored]] = {}
    for one in controls:
        under.setdefault(one.protocol, []).append(one)
    made = []
    for place in sorted(places):
        by_protocol: dict[ProtocolFacts, list[Scored]] = {}
        for one in places[place]:
            by_protocol.setdefault(one.protocol, []).append(one)
        for protocol, same in sorted(by_protocol.items()):
            made.append(improvement(protocol, same, under.get(protocol, [])))
        # A protocol under which the method was not scored would favour the controls.
        alike = [one for one in controls if one.protocol in by_protocol]
        made.append(improvement(None, places[place], alike))
    return made


def improvement(
    protocol: ProtocolFacts | None, methods: Sequence[Scored], controls: Sequence[Scored]
) -> Improvement:
    """The best of one method's entries beside the best control that takes no more bytes.

    Args:
        protocol: the protocol of all entries; None if they may have several.
        methods: the entries of one method at one ipc.
        controls: controls at any ipc.
    """
    own = best(methods)
    fitting = [one for one in controls if one.storage_bytes <= own.storage_bytes]
    heavier = len(controls) - len(fitting)
    if not fitting:
        return Improvement(protocol, own, None, None, 0, heavier, filled=False)
    control = best(fitting)
    difference = paired_difference(own.scores, control.scores)
    filled = any(2 * one.storage_bytes > own.storage_bytes for one in fitting if one.has_seeds)
    chosen_from = len({one.across_ipc for one in fitting})
    return Improvement(protocol, own, control, difference, chosen_from, heavier, filled)


def best(candidates: Iterable[Scored]) -> Scored:
    """The candidate with the highest mean among those with enough seeds, or else among all.

    Ties go to the one that takes the fewest bytes, then to the first by name.
    """

    def order(one: Scored) -> tuple[object, ...]:
        return (not one.has_seeds, -one.mean, one.storage_bytes, one.variant, one.ipc,
                one.protocol, one.labels)  # fmt: skip

    return min(candidates, key=order)


def is_control(record: Record) -> bool:
    """Whether a record's set is a control: real images, and made here.

    Records say so. For a record of an earlier version the installed method of that name does; a
    method that is not installed does not count as a control.
    """
    if record.origin is not None:
        return False
    selected = record.distilled.selected
    return _selects(record.method.name) if selected is None else selected


@cache
def _selects(method: str) -> bool:
    from ..distilling.registry import METHODS

    try:
        return method in METHODS and METHODS[method].selects
    except UserError:  # a package that does not load
        return False
