"""`ddbench test`: a line for each promise, similar names, and an exit status for the result."""

from __future__ import annotations

import pytest

from ddbench.runs.registries import REGISTRIES
from ddbench.testing import checks


def test_a_plugin_of_the_tree_has_a_line_for_each_promise(command):
    answer = command("test", "digits")
    assert answer.status == 0
    lines = [f"  holds   {check.promise}" for check in checks("datasets")]
    assert answer.out.splitlines() == [
        "dataset digits", *lines, "1 of 1 plugins keep their promises"
    ]  # fmt: skip
    assert answer.err == ""


@pytest.mark.parametrize("kind", ["model", "models"])
def test_a_kind_is_named_in_the_singular_or_plural(kind, command):
    answer = command("test", "--kind", kind, "mlp", "mlp")
    assert answer.status == 0
    assert answer.out.startswith("model mlp\n")
    assert answer.out.endswith("\n1 of 1 plugins keep their promises\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["digit"], "unknown plugin 'digit': did you mean digits or"),
        (["digits", "hreding"], "unknown plugin 'hreding': did you mean herding"),
        (["--kind", "model", "convnt"], "unknown model 'convnt': did you mean convnet"),
        (["--kind", "model", "herding"], "unknown model 'herding'"),
        (["--kind", "modle", "mlp"], "unknown kind 'modle': did you mean model"),
        (["--trace", "mlp"], "unknown option '--trace': did you mean --traceback?"),
    ],
)
def test_a_name_that_there_is_not_is_one_line_with_a_near_one(words, told, command):
    answer = command("test", *words)
    assert answer.status == 2
    assert told in answer.err
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_without_a_name_the_plugins_of_other_packages_are_meant(command, monkeypatch):
    for registry in REGISTRIES.values():
        monkeypatch.setattr(registry, "foreign_names", list)
    answer = command("test")
    assert answer.status == 0
    assert answer.out.startswith("no other package gives a plugin")
