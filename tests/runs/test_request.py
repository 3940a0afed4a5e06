"""From overrides to a request: the order of the sources, budgets, experiments."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import pytest

from ddbench.distilling import method_choice as resolution
from ddbench.distilling.method_choice import resolve_method
from ddbench.distilling.registry import METHODS
from ddbench.plugins.presets import preset, preset_names
from ddbench.plugins.recipes import Entry, Layer
from ddbench.plugins.settings import Settings, one_line, setting
from ddbench.runs.compose import compose_config, request_of
from ddbench.runs.option_groups import register
from ddbench.runs.overrides import as_overrides
from ddbench.training.budget import Budget

SMALL = Budget(distilling=0.05, teachers=0.1)


class Example:
    """Stands for a method."""

    @dataclass
    class Settings(Settings):
        untouched: int = setting(1, "default alone")
        published: int = setting(1, "by the paper's recipe")
        scaled: int = setting(1000, "default, scaled", scaled="distilling")
        published_scaled: int = setting(1, "by the paper, scaled", scaled="teachers")
        chosen: int = setting(1, "by the budget's own recipe", scaled="distilling")
        given: int = setting(1, "by a person", scaled="distilling")


LAYERS = {
    "paper": {"published": 2, "published_scaled": 200, "chosen": 300, "given": 400},
    "short": {"chosen": 3, "given": 5},
}


@pytest.fixture
def example(monkeypatch):
    def layers(name, budget, dataset, ipc):
        note = f"{budget} note"
        entry = Entry(f"{budget} source", settings=LAYERS.get(budget, {}), input_space="zca")
        return [Layer(entry, note)] if budget in LAYERS else []

    monkeypatch.setattr(resolution, "METHODS", {"example": Example})
    monkeypatch.setattr(resolution, "layers", layers)
    return lambda budget, fractions, **given: resolve_method(
        "example", given, "digits", 1, budget, fractions
    )


def test_default_then_paper_then_scaled_then_budget_then_given(example):
    choice = example("short", SMALL, given=7)
    assert choice.settings.plain() == {
        "untouched": 1,
        "published": 2,
        "scaled": 50,
        "published_scaled": 20,
        "chosen": 3,
        "given": 7,
    }
    assert choice.sources == {
        "untouched": "default",
        "published": "recipe: paper source",
        "scaled": "default, 1000 x 0.05 by the budget",
        "published_scaled": "recipe: paper source, 200 x 0.1 by the budget",
        "chosen": "recipe: short source",
        "given": "given",
    }
    assert choice.input_space == "zca"
    assert choice.notes == ("paper note", "short note")


def test_the_whole_budget_scales_nothing(example):
    choice = example("paper", Budget())
    assert choice.settings.scaled == 1000
    assert choice.settings.chosen == 300
    assert choice.notes == ("paper note",)


def test_scaling_leaves_one_at_least(example):
    assert example("custom", Budget(distilling=0.0001)).settings.scaled == 1


def test_a_changed_budget_is_called_custom():
    assert request_of(["dataset=digits"]).budget_name == "short"
    assert request_of(["dataset=digits", "budget.networks=7"]).budget_name == "custom"
    assert request_of(["dataset=digits", "budget.networks=3"]).budget_name == "short"


def test_more_evaluation_networks_change_no_setting_of_the_method():
    few, many = (
        request_of(["method=apm", "dataset=digits", *more]) for more in ([], ["budget.networks=7"])
    )
    assert many.method.settings == few.method.settings
    assert many.method.sources == few.method.sources
    assert many.budget.networks == 7


def test_another_fraction_of_distilling_scales_what_is_published():
    request = request_of(["method=apm", "dataset=digits", "budget.distilling=0.5"])
    assert request.method.settings.iterations == 1250
    assert request.budget_name == "custom"


@pytest.mark.parametrize("name", preset_names("experiment"))
def test_an_experiment_composes_and_what_it_names_counts_as_given(name):
    method = name.partition("_")[0]
    if method not in METHODS:
        pytest.skip("an experiment of no single method")
    request = request_of([f"experiment={name}"])
    named = preset("experiment", name).get("method", {})
    assert request.method.name == method
    assert {request.method.sources[setting] for setting in named} <= {"given"}


def test_the_command_line_is_stronger_than_an_experiment():
    words = ["method=apm", "experiment=apm_equation_4", "method.log_distance=false"]
    assert request_of(words).method.settings.log_distance is False


def test_a_request_can_be_sent_to_another_process():
    request = request_of(["method=apm", "dataset=digits"])
    assert pickle.loads(pickle.dumps(request)) == request


def test_protocols_are_one_name_or_a_list_without_repetition():
    assert [p.name for p in request_of(["protocols=hard"]).protocols] == ["hard"]
    assert [p.name for p in request_of(["protocols=[soft,hard,soft]"]).protocols] == [
        "soft",
        "hard",
    ]


def test_the_control_is_not_shown_beside_itself():
    assert request_of(["method=random"]).control is None
    assert request_of(["method=apm", "control=null"]).control is None
    assert request_of(["method=apm"]).control.name == "random"


TEXTS = ["it's", "a b", "a\\", "a\\'b", "${x}", "\\${x}", "a,b", "null", "true", "nan", "7", "a\nb"]


@pytest.mark.parametrize("text", [*TEXTS, "", "[x]", "a=b", "/tmp/ü", "x#y", "$x", "'", '"'])
def test_any_text_survives_being_written_as_an_override(text):
    register()
    assert compose_config(as_overrides({"runs_root": text})).runs_root == text


def test_python_values_become_overrides():
    values = {"a": None, "b": True, "c": 1e-5, "d": [1, "x", None], "e": "plain/text-1.x"}
    assert as_overrides(values) == [
        "a=null",
        "b=true",
        "c=1e-05",
        "d=[1,x,null]",
        "e=plain/text-1.x",
    ]


def test_the_telling_line_of_a_message_of_omegaconf_has_the_key():
    error = ValueError("Value 'x' is wrong\n    full_key: method.rate\n    object_type=Settings")
    assert one_line(error) == "method.rate: Value 'x' is wrong"


def test_a_changed_fraction_scales_what_it_scales_and_keeps_the_rest_of_the_recipe():
    usual, changed = (
        request_of(["method=apm", "dataset=digits", *more]).method
        for more in ([], ["budget.teachers=0.5"])
    )
    assert changed.settings.teacher_epochs == 50
    assert changed.sources["teacher_epochs"].endswith("100 x 0.5 by the budget")
    other = {**usual.settings.plain(), "teacher_epochs": 50}
    assert changed.settings.plain() == other


def test_the_published_evaluation_is_not_changed_by_tuned_students():
    method = request_of(["method=apm", "dataset=cifar10", "ipc=10"]).method
    assert method.settings.student_rate == 0.1
    assert method.settings.evaluation_rate == 0.02
    assert any("ipc 50" in note for note in method.notes)
