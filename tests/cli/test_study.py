"""`ddbench run experiment=STUDY`: all its sweeps, one table, its pictures."""

from __future__ import annotations

import pytest

from ddbench.plugins.presets import preset, preset_names
from ddbench.runs import compose
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
    for module in (studies, compose):
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
    monkeypatch.setattr(
        "ddbench.cli.study_verb.sweep", lambda words, root: told.append(words) or []
    )
    command("run", "experiment=memory_time_tradeoff", "method.student_epochs=10", "model=narrow")
    assert ["method.student_epochs=10" in words for words in told] == [True, False]
    assert all("model=narrow" in words and "model=published" not in words for words in told)


def test_list_tells_experiments_and_studies(command):
    lines = command("list", "experiments").out.splitlines()
    told = {line.split()[0]: line for line in lines}
    assert "What APM's images gain" in told["reference_evidence"]
    assert "objective as printed" in told["apm_equation_4"]
