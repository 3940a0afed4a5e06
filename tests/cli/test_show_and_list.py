"""What `show`, `list` and `prepare` print."""

from __future__ import annotations

import re

import pytest
import yaml

from ddbench.runs.registries import REGISTRIES


def sources(out):
    """The source of each setting in the table that `show` prints."""
    lines = out.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("setting "))
    begin, end = lines[first].index("source"), lines[first].index("meaning")
    table = until_blank(lines[first + 2 :])
    return {line.split()[0]: line[begin:end].strip() for line in table}


def until_blank(lines):
    for line in lines:
        if not line.strip():
            return
        yield line


def test_show_tells_where_each_value_comes_from(command, tmp_path):
    answer = command("show", "method=apm", "dataset=cifar10", "ipc=50", "method.image_rate=2")
    assert answer.status == 0
    told = sources(answer.out)
    assert told["image_rate"] == "given"
    assert re.fullmatch(r"recipe: APM table A9.*", told["cross_entropy_weight"])
    assert told["segment"] == "default"
    assert told["teacher_epochs"] == "recipe: APM README, CIFAR-10, 100 x 0.1 by the budget"
    assert list(tmp_path.iterdir()) == []


def test_show_says_aloud_that_the_recipe_of_another_ipc_stands_in(command):
    answer = command("show", "method=apm", "dataset=cifar10", "ipc=100", "budget=paper")
    assert "note: no paper recipe of apm for cifar10 ipc 100: taking that of ipc 50" in answer.out


def test_show_prints_values_as_they_are_typed(command):
    out = command("show", "method=apm", "method.log_distance=true", "model.depth=null").out
    assert re.search(r"log_distance +true +given", out)
    assert "depth null" in out
    assert "True" not in out
    assert "None" not in out


@pytest.mark.parametrize("kind", REGISTRIES)
def test_list_names_every_plugin_with_what_it_is(kind, command):
    lines = command("list", kind).out.splitlines()
    assert [line.split()[0] for line in lines] == REGISTRIES[kind].names()
    assert all(len(line.split()) > 2 for line in lines)


def test_list_takes_a_pattern(command):
    assert command("list", "datasets", "cifar*").out.split()[0] == "cifar10"
    assert command("list", "datasets", "zz*").out == "no datasets match 'zz*'\n"


def test_list_shows_finished_and_unfinished_runs(command, runs):
    (finished,) = runs.glob("random-*")
    begun = runs / "apm-digits-ipc1"
    begun.mkdir()
    (begun / "config.yaml").touch()
    failed = runs / "apm-digits-ipc2"
    failed.mkdir()
    (failed / "config.yaml").touch()
    (failed / "failed.json").touch()
    lines = command("list", "runs").out.splitlines()
    assert [line.split()[:4] for line in lines[:2]] == [
        ["apm-digits-ipc1", "?", "?", "unfinished"],
        ["apm-digits-ipc2", "?", "?", "failed"],
    ]
    name, model, *_, state = lines[2].split()
    assert (name, state) == (finished.name, "finished")
    assert model.startswith("convnet-width")
    assert command("list", "runs", "random-*").out.splitlines() == [lines[2]]


@pytest.mark.parametrize("flow", [True, False])
@pytest.mark.parametrize("path", ["/data", "of two\n\nprotocols:\n- lines", "- x" * 60])
def test_list_shows_what_the_configuration_says_however_it_is_written(
    flow, path, command, tmp_path
):
    folder = tmp_path / "runs" / "begun"
    folder.mkdir(parents=True)
    task = {"dataset": {"settings": {"path": path}}, "model": {"label": "vgg11"}}
    whole = {"budget": {"name": "smoke"}, "task": task, "protocols": ["hard/1", "soft/1"]}
    whole["evaluators"] = {"task": "protocols"}
    text = yaml.safe_dump(whole, sort_keys=False, default_flow_style=flow)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    assert command("list", "runs").out.split() == [
        "begun", "vgg11", "hard/1", "soft/1", "unfinished"
    ]  # fmt: skip


def test_list_of_no_runs_says_where_it_looked(command, tmp_path):
    assert str(tmp_path / "runs") in command("list", "runs").out


def test_prepare_of_a_packaged_dataset_has_nothing_to_do(command):
    answer = command("prepare", "digits")
    assert answer.status == 0
    assert "nothing to prepare" in answer.out
