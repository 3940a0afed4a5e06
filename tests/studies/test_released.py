"""What a study of released sets compares, and what its table says."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from plausible import plausible
from scipy import stats

from ddbench.distilling.importing.choice import OPTIONS, family
from ddbench.errors import UserError
from ddbench.figures import png
from ddbench.records.facts import OriginFacts
from ddbench.records.measurement import Measurement
from ddbench.records.statistics import difference_of_means
from ddbench.studies.released import (
    Comparison,
    Published,
    ReleasedSet,
    released_figure,
    released_markdown,
)
from ddbench.studies.study import load_study, study_names

OURS = (0.25, 0.27, 0.26, 0.28)
RELEASED = [one for name in study_names() for one in load_study(name).released]


def comparison(
    ours: tuple[float, ...] = OURS,
    recorded: dict[str, tuple[float, ...]] | None = None,
    published: float | None = None,
) -> Comparison:
    """A set of DM with what is known about it."""
    where: dict[str, Any] = {"protocol": "paper/1", "subject": "dm", "split": "test"}
    mean = statistics.fmean(ours) if ours else None
    record = plausible("dm", protocols=("paper/1",), control=None)
    record = record.model_copy(
        update={
            "origin": OriginFacts(name="dm", source="res.pt", recorded=recorded or {}),
            "measurements": (
                Measurement("accuracy", mean, "fraction", ours, where, note="" if ours else "why"),
            ),
        }
    )
    figure = None if published is None else Published(published, "a paper")
    released = ReleasedSet("DM", "res.pt", "dm", "cifar10", {}, published=figure)
    return Comparison.of(released, record)


@pytest.mark.parametrize(
    ("first", "second"),
    [(OURS, (0.3, 0.31)), ((0.1, 0.2), (0.15, 0.15, 0.9, 0.2)), ((0.5, 0.51), (0.1, 0.4))],
)
def test_interval_of_a_difference_is_welchs(first, second):
    found = difference_of_means(first, second)
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert found.mean - found.half_width == pytest.approx(expected.low)
    assert found.mean + found.half_width == pytest.approx(expected.high)


def test_equal_values_leave_no_doubt():
    assert difference_of_means((0.5, 0.5), (0.5, 0.5)).half_width == 0
    assert difference_of_means((0.5, 0.5), (0.4, 0.4)).holds_zero is False


@pytest.mark.parametrize(
    ("recorded", "published", "verdict"),
    [
        ({"ConvNet": (0.26, 0.27, 0.25)}, None, "agrees"),
        ({"ConvNet": (0.36, 0.37, 0.35)}, 0.26, "differs"),  # what was recorded goes first
        ({}, 0.27, "agrees"),
        ({}, 0.5, "differs"),
        ({"ConvNet": (0.26,)}, None, "agrees"),
        ({"ConvNet": (0.26, 0.27), "MLP": (0.1, 0.1)}, None, "nothing to compare with"),
        ({}, None, "nothing to compare with"),
    ],
)
def test_verdict_says_whether_the_interval_of_the_difference_holds_zero(
    recorded, published, verdict
):
    assert comparison(recorded=recorded, published=published).verdict == verdict


def test_one_network_gets_no_verdict():
    assert comparison(ours=(0.3,), published=0.3).verdict == "one network, no interval"


def test_a_set_that_was_not_scored_is_named_with_the_reason():
    with pytest.raises(UserError, match=r"res\.pt was not scored: why"):
        comparison(ours=())


def test_the_table_names_both_figures_and_the_source_of_what_is_published():
    rows = [comparison(recorded={"ConvNet": (0.26, 0.27)}), comparison(published=0.3)]
    text = released_markdown("A question", "About.", rows, "Not in the folder: X.")
    assert "26.5 ± 6.4 (n 2)" in text
    assert "Published: DM: 30.0, a paper." in text
    assert text.endswith("Not in the folder: X.\n")
    figure = released_figure("A question", rows)
    assert figure is not None
    assert png(figure).startswith(b"\x89PNG")
    assert released_figure("A question", [comparison()]) is None


@pytest.mark.parametrize("one", RELEASED, ids=lambda one: one.name)
def test_a_set_that_a_study_names_is_of_a_known_family_with_a_recipe(one):
    known = family(one.like, one.dataset)
    assert known.evaluation is not None
    assert set(one.says) <= set(OPTIONS)
    assert not set(known.asks) - set(one.says)
