"""Memory against time: points from records, in a table and a picture."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ddbench.distilling.method_style import method_style
from ddbench.records.measurement import Coordinates, Measurement
from ddbench.studies.tradeoff import TradeoffPoint, tradeoff_figure, tradeoff_point, tradeoff_table


def record(*kinds: str, steps: bool = True) -> Any:
    """What is read from a record whose steps took 2 s and 3 GB, and another phase more."""
    phases: list[tuple[Coordinates, float]] = [
        ({"phase": "teacher"}, 9e9),
        ({"phase": "distil", "part": "begin"}, 8e9),
        ({"phase": "distil", "part": "steps"}, 3e9),
    ]
    measurements = [
        Measurement("peak_memory", value, "bytes", (), {**phase, "of": kind, "on": "chip"})
        for kind in kinds
        for phase, value in phases
    ]
    if steps:
        seconds = {"mean": 2.0, "median": 1.0, "lower quartile": 0.5, "upper quartile": 2.5}
        measurements += [
            Measurement("step_time", value, "s", (), {"statistic": s, "steps": 6, "on": "chip"})
            for s, value in seconds.items()
        ]
    return SimpleNamespace(measurements=measurements, method=SimpleNamespace(name="apm"))


def test_point_is_what_the_steps_alone_cost() -> None:
    assert tradeoff_point(record("resident set"), "segment 9") == TradeoffPoint(
        "segment 9", "apm", 3e9, "resident set", 2.0, (0.5, 2.5), 6, "chip"
    )
    on_accelerator = tradeoff_point(record("resident set", "reserved", "allocated"), "apm")
    assert on_accelerator is not None
    assert on_accelerator.kind == "allocated"


@pytest.mark.parametrize("lacking", [record(), record("allocated", steps=False)])
def test_record_without_both_has_no_point(lacking: Any) -> None:
    assert tradeoff_point(lacking, "apm") is None


def test_table_and_picture_name_every_point() -> None:
    points = [
        TradeoffPoint("segment 100", "apm", 1e9, "allocated", 2.0, (1.5, 2.5), 6, "chip"),
        TradeoffPoint("segment 500", "apm", 4e9, "allocated", 1.0),
        TradeoffPoint("TESLA", "tesla", 5e9, "allocated", 3.0),
    ]
    lines = tradeoff_table(points).splitlines()
    row = "segment 100  1.00  allocated  2  1.5 to 2.5  6  chip"
    assert lines[2].split() == row.split()
    assert len(lines) == 5
    figure = tradeoff_figure(points)
    assert figure is not None
    (axes,) = figure.axes
    assert axes.get_xlabel() == "peak memory of the steps in GB (allocated)"
    assert axes.get_ylabel() == "seconds per step, mean"
    shown = [text.get_text() for text in axes.get_legend().get_texts()]
    assert shown == ["segment 100", "segment 500", "TESLA"]
    assert [line.get_color() for line in axes.get_lines()] == [
        method_style(point.method)["color"] for point in points
    ]
    assert len({line.get_marker() for line in axes.get_lines()[:2]}) == 2
    assert tradeoff_figure([]) is None
