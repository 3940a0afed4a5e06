"""The checks that a record's measurements must pass for a leaderboard, and their messages."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from ..errors import shortened, shown
from .facts import ProtocolFacts
from .measurement import Measurement

ACCURACY = "accuracy"
DIFFERENCE = "accuracy_difference"
# An accuracy under a protocol's own rules has only these; others mark other measurements.
OWN_COORDINATES = frozenset({"protocol", "subject", "split", "labels"})
WHOLE = "whole"
"""The subject that consists of all real training images, under rules of its own."""

_VERSIONED = re.compile(r"\w{1,40}/\d{1,6}")
_UNIONS = ("constrained-", "function-")
"""Prefixes of pydantic's names for union members in an error's location."""

_AGREES = 1e-6
_LONGEST_NAME = 60


def is_own_accuracy(m: Measurement) -> bool:
    """Whether it is the accuracy of a set or its control with the task's own model."""
    return m.metric == ACCURACY and m.coordinates.keys() <= OWN_COORDINATES


def check_measurements(
    measurements: Iterable[Measurement],
    protocols: Sequence[ProtocolFacts],
    networks: int,
    split: str,
) -> None:
    """Check that no measurement occurs twice, and that accuracies can be ranked.

    Args:
        measurements: measurements with well-formed fields.
        protocols: the record's protocols.
        networks: number of evaluation networks per score.
        split: the scored split.

    Raises:
        ValueError: one line about the first invalid measurement.
    """
    labels = {protocol.label for protocol in protocols}
    seen = set()
    for m in measurements:
        place = (m.metric, *sorted((key, str(value)) for key, value in m.coordinates.items()))
        if place in seen:
            raise ValueError(f"{m.metric} is there twice at {shown(dict(m.coordinates))}")
        seen.add(place)
        if m.metric in (ACCURACY, DIFFERENCE):
            _check_accuracy(m, labels, networks, split)


def _check_accuracy(m: Measurement, labels: set[str], networks: int, split: str) -> None:
    where = m.coordinates
    if where.get("split", split) != split:
        raise ValueError(f"{m.metric} is of split {shown(where['split'])}, the record of {split}")
    protocol, subject = str(where.get("protocol", "")), where.get("subject")
    if not subject:
        raise ValueError(f"{m.metric} names no subject")
    if protocol not in labels and not (subject == WHOLE and _VERSIONED.fullmatch(protocol)):
        raise ValueError(f"{m.metric} is under {shown(protocol)}, which protocols does not list")
    low = -1 if m.metric == DIFFERENCE else 0
    if m.values and not low <= min(m.values) <= max(m.values) <= 1:
        raise ValueError(f"{m.metric} lies outside {low} to 1")
    if m.value is None or not is_own_accuracy(m):
        return
    if protocol in labels and len(m.values) != networks:
        raise ValueError(f"{m.metric} has {len(m.values)} values for {networks} networks")
    if not m.values or abs(statistics.fmean(m.values) - m.value) > _AGREES:
        raise ValueError(f"{m.metric} {m.value:g} is not the mean of its values")


def one_line(error: ValidationError) -> str:
    """The first error in one line: the field, what is wrong, and the value found."""
    first = error.errors(include_url=False)[0]
    parts = [str(part) for part in first["loc"] if not str(part).startswith(_UNIONS)]
    place = ".".join(shortened(part, _LONGEST_NAME) for part in parts)
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":  # names the value itself
        return f"{place}: {said}" if place else said
    if first["type"] == "missing":
        return f"{place} is missing"
    if first["type"] == "extra_forbidden":
        return f"{place} is not a field of a record"
    return f"{place}={shown(first['input'])}: {said[:1].lower()}{said[1:]}"
