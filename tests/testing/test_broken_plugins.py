"""Plugins with one fault each: `ddbench test` names it in one line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = tomllib.loads(Path(__file__).with_name("weeds").joinpath("pyproject.toml").read_text())
NOUNS = {"methods": "method", "evaluators": "evaluator", "datasets": "dataset", "models": "model"}
SOUND = {"method sound", "dataset squares", "model linear"}
LOADS, SETTINGS = "loads as a class of its kind", "explains its settings"
IMAGES, AGAIN = "makes ipc finite images of each class", "gives the same bytes again"
STATE, TEST_SPLIT = "continues from its state", "never reads the test split"
MEASURES = "measures something that can be read"
BATCH, FEATURES = "takes a batch forward and backward", "gives the flat features"
LOADED = "loads what it documents"
# Plugin, the promise that it breaks, and what is said of it.
FAULTS = {
    "method exits": (LOADS, "SystemExit: 3"),
    "method interrupts": (LOADS, "KeyboardInterrupt"),
    "method no_module": (LOADS, "ModuleNotFoundError: No module named 'weeds.nowhere'"),
    "method no_method": (LOADS, "is not a subclass of Method"),
    "method undecorated": (LOADS, "speed is not a field; the class lacks @dataclass"),
    "method bare_setting": (SETTINGS, "speed has no help text; make it with `setting`"),
    "method no_range": (SETTINGS, "speed is a number without a range"),
    "method default_out_of_range": (SETTINGS, "speed=1.0: must be at least 2"),
    "method skips_with_true": ("skips a task with a reason", "skip returns True"),
    "method counts_in_halves": ("counts its steps", "total_steps is 4.5, no count"),
    "method no_finish": ("counts its steps", "abstract method"),
    "method fails_in_begin": (IMAGES, "no attribute 'image' (methods.py:"),
    "method exits_in_step": (IMAGES, "SystemExit: enough (methods.py:"),
    "method not_a_number": (IMAGES, "its images hold values that are not finite"),
    "method diverges": (IMAGES, "diverged: loss is inf at step 0"),
    "method wrong_shape": (IMAGES, "one finite float32 for each channel of its images"),
    "method wrong_type": (IMAGES, "labels must be int64 (10,), not torch.int32"),
    "method wrong_count": (IMAGES, "the method made 0 images of the class '0', not 1"),
    "method no_set": (IMAGES, "the method made no distilled set, but a Tensor"),
    "method asks_the_clock": (AGAIN, "two runs of one request give different sets"),
    "method remembers_the_process": (AGAIN, "two runs of one request give different sets"),
    "method forgets_the_velocity": (STATE, "self.velocity does not come back from the state"),
    "method loads_nothing": (STATE, "self.images, self.velocity does not come back"),
    "method keeps_a_generator": ("keeps only tensors", "the state holds draws[0]: Generator"),
    "method peeks_at_the_test_split": (TEST_SPLIT, "it reads the test split while it distils"),
    "method reads_the_test_split": (TEST_SPLIT, "it reads the test split while it distils"),
    "evaluator twice": (MEASURES, "height is there twice at {'subject': 'all'}"),
    "evaluator percent": ("gives numbers in the range", "tall_accuracy is [57.3] fraction"),
    "evaluator not_finite": (MEASURES, "height holds [nan]"),
    "evaluator nowhere": (MEASURES, "height has no coordinates"),
    "evaluator silent": (MEASURES, "it measures nothing and gives no reason"),
    "evaluator moody": ("gives the same numbers again", "measured again it differs: height"),
    "evaluator fails": (MEASURES, "KeyError: 'nobody' (evaluators.py:"),
    "dataset floats": (LOADED, "images have type float32, not uint8"),
    "dataset scaled": (LOADED, "pixels of the train split reach 1, not 255"),
    "dataset class_missing": (LOADED, "1 of 3 classes have no image"),
    "dataset wrong_size": (LOADED, "are (30, 1, 8, 8), not (60, 1, 8, 8)"),
    "dataset restless": ("loads the same pixels again", "its images or labels are different"),
    "dataset nameless": ("knows its classes", "class_names must be different"),
    "model features_of_rank_four": (FEATURES, "features are (12, 3, 32, 32), not (12, F)"),
    "model other_features": (FEATURES, "its last linear layer does not make its logits"),
    "model too_many_logits": (BATCH, "logits of 3 images (1, 8, 8) are (3, 8), not (3, 7)"),
    "model own_weights": ("takes its weights from", "the same random stream gives other weights"),
    "model constant": ("gives logits that depend", "different images (1, 8, 8) give the same"),
    "model dead_parameter": (BATCH, "no gradient reaches unused"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ddbench(installed: Callable[[str], Any]) -> Any:
    """The command in an environment in which the package is installed."""
    return installed("weeds")


@pytest.fixture(scope="module")
def answer(ddbench: Any) -> Any:
    """What `ddbench test` says of all plugins of other packages."""
    return ddbench("test")


@pytest.fixture(scope="module")
def sections(answer: Any) -> dict[str, list[str]]:
    """The lines of each plugin."""
    parts = re.split(r"^(?=\w)", answer.out, flags=re.MULTILINE)
    return {lines[0]: lines[1:] for lines in (part.splitlines() for part in parts if part)}


@pytest.mark.parametrize("plugin", FAULTS)
def test_a_broken_promise_is_one_line_with_its_reason(
    plugin: str, sections: dict[str, list[str]]
) -> None:
    promise, reason = FAULTS[plugin]
    broken = [line for line in sections[plugin] if line.startswith("  BROKEN ")]
    named = [line for line in broken if line.startswith(f"  BROKEN  {promise}")]
    assert len(named) == 1, broken
    assert reason in named[0]
    assert all(line.startswith("  ") for line in sections[plugin])


@pytest.mark.parametrize("plugin", sorted(SOUND))
def test_a_sound_plugin_beside_broken_ones_keeps_its_promises(
    plugin: str, sections: dict[str, list[str]]
) -> None:
    assert sections[plugin]
    assert all(line.startswith("  holds   ") for line in sections[plugin])


def test_every_plugin_of_the_package_has_its_fault_told(sections: dict[str, list[str]]) -> None:
    groups = PROJECT["project"]["entry-points"]
    plugins = {
        f"{NOUNS[group.removeprefix('ddbench.')]} {name}"
        for group, points in groups.items()
        for name in points
    }
    assert plugins - {"method random"} == FAULTS.keys() | SOUND
    assert plugins - {"method random"} <= sections.keys()


def test_no_failure_shows_a_traceback_and_the_end_names_the_broken(answer: Any) -> None:
    assert answer.status == 1
    assert answer.err == ""
    assert "Traceback" not in answer.out
    summary = answer.out.splitlines()[-1]
    assert summary.startswith(f"3 of {len(FAULTS) + 3} plugins keep their promises; broken: ")
    assert all(plugin in summary for plugin in FAULTS)


def test_a_traceback_is_shown_where_it_is_asked_for(ddbench: Any) -> None:
    answer = ddbench("test", "fails_in_begin", "--traceback")
    assert answer.status == 1
    assert "Traceback (most recent call last)" in answer.out
    assert "self.task.real.image(0)" in answer.out


def test_broken_plugins_stop_no_run_of_others(ddbench: Any) -> None:
    assert ddbench("list", "methods").status == 0
    answer = ddbench(
        "run", "method=random", "dataset=digits", "budget=smoke", "threads=1", "protocols=[hard]"
    )
    assert answer.status == 0, answer.err
    assert answer.err == ""


def test_broken_plugins_are_named_once_where_they_are_listed(ddbench: Any) -> None:
    answer = ddbench("list", "problems")
    assert answer.status == 0
    assert "'exits' (weeds.exits:Weed) cannot be loaded: SystemExit: 3" in answer.out
    assert "'random' of weeds.methods:Sound is ignored: the name is taken" in answer.out


def test_a_broken_plugin_that_is_asked_for_says_why(ddbench: Any) -> None:
    answer = ddbench("run", "method=exits")
    assert answer.status == 2
    assert answer.err.splitlines() == [
        "ddbench: the method 'exits' (weeds.exits:Weed) cannot be loaded: SystemExit: 3"
    ]
