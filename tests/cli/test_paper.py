"""The tables and figures of the paper as studies."""

from __future__ import annotations

import pytest
from plausible import plausible

from ddbench.cli.study_verb import beside_published
from ddbench.leaderboard.published import published_figures
from ddbench.planning.cells import asked_cells
from ddbench.studies.study import Place, load_study, study_names

OF_THE_PAPER = [name for name in study_names() if load_study(name).published]


@pytest.mark.parametrize("name", OF_THE_PAPER)
def test_a_study_of_the_paper_has_a_cell_for_each_published_number(name):
    place = load_study(name).published
    figures = [
        figure
        for figure in published_figures(place.paper)
        if figure.place == place.place and figure.dataset == (place.dataset or figure.dataset)
    ]
    assert figures
    cells = [
        dict(word.partition("=")[::2] for word in words)
        for words in asked_cells([f"experiment={name}"], False)
    ]
    told = {(c.get("dataset"), c.get("ipc"), c.get("method")) for c in cells}
    if "experiment" in cells[0]:
        return  # of other studies, whose method is in an experiment
    for figure in figures:
        if figure.ipc is not None:
            assert (figure.dataset, str(figure.ipc), figure.method) in told


def test_published_numbers_stand_beside_measured_ones_of_their_dataset_alone():
    place = Place("apm", "Table 1", "cifar100")
    record = plausible(
        "dm",
        dataset="cifar100",
        ipc=10,
        budget="paper",
        model_label="convnet-width128",
        protocols=("paper/1",),
    )
    text = beside_published(place, [record])
    assert "cifar10 " not in text
    assert "not measured" in text
    assert "| dm/1" in text


def test_where_no_number_is_of_what_was_measured_a_line_says_so():
    record = plausible("dm", dataset="digits", ipc=1)
    text = beside_published(Place("apm", "Table 1"), [record])
    assert "None of its 82 numbers is of what was measured here." in text
