"""Series of a picture can be distinguished."""

from __future__ import annotations

from ddbench.figures import series_style


def test_no_two_of_a_hundred_series_have_both_colour_and_marker_alike():
    styles = {tuple(sorted(series_style(number).items())) for number in range(100)}
    assert len(styles) == 100
