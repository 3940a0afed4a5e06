"""`ddbench run experiment=STUDY`: all its sweeps, one table, its pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ddbench.cli.sweep import SweepEnd
from ddbench.plugins.presets import preset, preset_names
from ddbench.runs import compose, option_groups
from ddbench.studies import study as studies

SMALL = {
    "title": "Does a second image a class help?",
    "about": "Random at two sizes.",
    "sweeps": ["method=random ipc=1,2 seed=0,1,2", "method=random ipc=100000"],
    "figures": [{"name": "sizes", "kind": "line", "x": "ipc", "protocols": ["hard/1"]}],
}
GIVEN = ("dataset=digits", "budget=smoke", "control=null", "protocols=[hard]", "threads=1")


@pytest.fixture
def small(monkeypatch) -> None:
    """A study of two sweeps, one of which cannot be."""

    def known(group: str, name: str):
        return SMALL if (group, name) == ("study", "small") else preset(group, name)

    monkeypatch.setattr(studies, "preset", known)
    for module in (studies, compose, option_groups):
        monkeypatch.setattr(
            module,
            "preset_names",
            lambda group: ["small"] if group == "study" else preset_names(group),
        )


@pytest.mark.usefixtures("small")
def test_a_study_ends_with_its_table_and_pictures_and_counts_its_cells(command, tmp_path):
    answer = command("run", "experiment=small", *GIVEN)
    assert answer.status == 2
    assert "ipc=100000" in answer.err
    assert "study small: 6 of 7 cells done" in answer.out
    folder = tmp_path / "runs/studies/small"
    assert (folder / "sizes.png").stat().st_size > 1000
    table = (folder / "table.md").read_text()
    assert table in answer.out
    assert "## digits ipc 2" in table
    assert "| method=random | " in table


@pytest.mark.usefixtures("small")
def test_a_study_is_refused_where_one_run_is_wanted(command):
    assert "several sweeps" in command("show", "experiment=small").complaint


def test_a_study_with_a_mistake_is_refused_before_any_work(command, tmp_path):
    answer = command("run", "experiment=reference_evidence", "method.no_such_thing=1")
    assert "no_such_thing" in answer.complaint
    assert not list(tmp_path.glob("runs/*-*"))


def test_a_setting_goes_to_the_sweeps_whose_method_has_it(command, tmp_path, monkeypatch):
    told = []

    def do_grids(grids, root, workers, quiet):
        told.extend(grids)
        return SweepEnd([], None)

    monkeypatch.setattr("ddbench.cli.study_verb.do_grids", do_grids)
    command("run", "experiment=memory_time_tradeoff", "method.student_epochs=10", "model=narrow")
    words = [grid.cells[0] for grid in told]
    assert ["method.student_epochs=10" in own for own in words] == [True, False]
    assert all("model=narrow" in own and "model=published" not in own for own in words)


def test_list_tells_experiments_and_studies(command):
    lines = command("list", "experiments").out.splitlines()
    told = {line.split()[0]: line for line in lines}
    assert "What APM's images gain" in told["reference_evidence"]
    assert "objective as printed" in told["apm_equation_4"]


RELEASED = {
    "title": "Do they agree?",
    "about": "Two files, of which one is there.",
    "given": "budget=smoke protocols=[paper] control=null model.width=8",
    "released": [
        {"name": "DC", "file": "res.pt", "like": "dc", "dataset": "digits",
         "says": {"input_space": "normalised:half"}},
        {"name": "DM", "file": "absent.pt", "like": "dm", "dataset": "digits"},
        {"name": "Bad", "file": "bad.pt", "like": "dm", "dataset": "digits"},
    ],
}  # fmt: skip


@pytest.fixture
def released(monkeypatch, tmp_path) -> Path:
    """A folder with one of a study's two sets, and one file that holds none."""
    monkeypatch.setitem(SMALL, "released", RELEASED["released"])
    for key in ("title", "about", "given"):
        monkeypatch.setitem(SMALL, key, RELEASED[key])
    for key in ("sweeps", "figures"):
        monkeypatch.delitem(SMALL, key)
    folder = tmp_path / "released"
    folder.mkdir()
    pair = [torch.randn(10, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(10)]
    torch.save({"data": [pair], "accs_all_exps": {"ConvNet": [0.1, 0.2]}}, folder / "res.pt")
    (folder / "bad.pt").write_bytes(b"nothing")
    return folder


@pytest.mark.usefixtures("small")
def test_a_study_of_released_sets_scores_those_that_are_there(released, command, runs):
    answer = command("run", "experiment=small", f"folder={released}", "threads=1")
    assert answer.status == 2
    assert "Bad: " in answer.err  # and the others are scored nevertheless
    table = (runs / "studies" / "small" / "table.md").read_text()
    assert "| DC " in table
    assert "15.0 ± 63.5 (n 2)" in table
    assert "Not in the folder: DM." in table
    assert (runs / "studies" / "small" / "accuracies.png").exists()
    assert "1 of 2 sets scored" in answer.out


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "give folder=FOLDER"),
        (["folder=/nowhere"], "folder=/nowhere: no such folder"),
        (["folder={empty}"], "holds none of the sets of small, such as absent.pt, bad.pt, res.pt"),
    ],
)
def test_a_folder_without_the_sets_is_one_line(words, told, released, command, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    given = [word.format(empty=empty) for word in words]
    assert told in command("run", "experiment=small", *given).complaint
