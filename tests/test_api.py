"""The verbs of the package."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

import ddbench
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.errors import UserError
from ddbench.leaderboard.entries import setting_of

TINY = {
    "dataset": "digits",
    "method": "random",
    "budget": "smoke",
    "control": None,
    "protocols": ["hard"],
    "quiet": True,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def record(root):
    return ddbench.run(**TINY, runs_root=root)


@pytest.fixture
def distilled(record, root):
    return root / record.name / "distilled.safetensors"


def test_importing_the_package_does_not_import_torch():
    code = "import ddbench, sys; assert 'torch' not in sys.modules; ddbench.run; ddbench.evaluate"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_attributes_of_the_package_are_refused():
    with pytest.raises(AttributeError, match="'rnu'"):
        _ = ddbench.rnu


def test_run_returns_the_record(record):
    (accuracy,) = (m for m in record.measurements if m.metric == "accuracy")
    assert 0 < accuracy.value <= 1
    assert record.method.name == "random"
    assert record.task.dataset.name == "digits"


def test_run_again_returns_the_same_record(record, root):
    assert ddbench.run(**TINY, runs_root=root) == record


def test_run_takes_overrides_as_text_or_as_a_list(record, root):
    rest = {key: value for key, value in TINY.items() if key != "dataset"}
    assert ddbench.run("dataset=digits", **rest, runs_root=root) == record
    assert ddbench.run(["dataset=digits"], **rest, runs_root=root) == record


def test_quiet_prints_nothing(root, capsys):
    ddbench.run(**TINY, runs_root=root)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"metod": "apm"}, "'metod'"),
        ({"method": "apm, random"}, "unknown method 'apm, random'"),
        ({"ipc": "ten"}, "ipc"),
        ({"ipc": [1, 2]}, "ipc=[1,2]: lists 2 numbers of images, and digits has 10 classes"),
        ({"ipc": "max", "ratio": 0.5}, "leave one of them out"),
        ({"method": None}, "one method is needed"),
    ],
)
def test_mistakes_are_user_errors_of_one_line(values, told):
    with pytest.raises(UserError) as caught:
        ddbench.run(**{**TINY, **values})
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_run_takes_all_images_a_ratio_or_a_list(root):
    rest = {key: value for key, value in TINY.items() if key != "ipc"}
    every = ddbench.run(**rest, ipc="max", runs_root=root)
    assert every.task.ipc == max(every.task.class_counts) == 147
    assert ddbench.run(**rest, ratio=1.0, runs_root=root) == every
    assert ddbench.run(**rest, ipc=list(every.task.class_counts), runs_root=root) == every
    assert ddbench.run(**rest, ratio=0.02, runs_root=root).task.ipc == 3


def test_a_set_with_all_images_of_uneven_classes_can_be_evaluated(root, capsys):
    made = ddbench.run(**{**TINY, "ipc": "max", "method": "random"}, runs_root=root)
    file = root / made.name / "distilled.safetensors"
    record = ddbench.evaluate(file, budget="smoke", protocols=["hard"], runs_root=root)
    own, control, difference = record.measurements
    assert record.task.class_counts == made.task.class_counts
    assert own.values == control.values
    assert difference.value == 0
    assert "139 to 147 images per class" in capsys.readouterr().out


def test_evaluate_scores_a_file_as_the_run_did(record, root, distilled):
    mine = {key: TINY[key] for key in ("budget", "control", "protocols", "quiet")}
    again = ddbench.evaluate(distilled, **mine, runs_root=root)
    (measured,), (recorded,) = (
        [m for m in one.measurements if m.metric == "accuracy"] for one in (again, record)
    )
    assert measured.values == recorded.values
    assert measured.coordinates["subject"] == again.method.name == record.method.name


def test_evaluate_takes_a_set_and_what_the_set_says_itself(root, distilled):
    mine = {key: TINY[key] for key in ("budget", "control", "protocols", "quiet", "dataset")}
    scored = ddbench.evaluate(DistilledSet.load(distilled), **mine, ipc=1, runs_root=root)
    assert scored.measurements[0].metric == "accuracy"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"dataset": "mnist5k"}, "the distilled set says dataset=digits"),
        ({"ipc": 2}, "the distilled set says ipc=1"),
        ({"ratio": 0.1}, "the distilled set says how many images"),
        ({"input_space": "zca"}, "the distilled set says input_space=normalised"),
    ],
)
def test_evaluate_refuses_to_be_told_otherwise(values, told, root, distilled):
    with pytest.raises(UserError, match=told):
        ddbench.evaluate(distilled, **values, runs_root=root)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dataset": "digit"}, "unknown dataset 'digit'"),
        ({"dataset": "mnist5k"}, "images are"),
        ({"dataset": "digits'${oc.env:HOME}"}, "unknown dataset"),
        ({"input_space": "zcaa"}, "unknown input space"),
        ({"input_space": "zca"}, "input space 'zca' is not"),
        ({"class_names": tuple("abcdefghij")}, "classes"),
        ({"class_names": tuple("0123456789ab")}, "classes"),
        ({"space_fingerprint": None}, "input space"),
        ({"space_fingerprint": torch.zeros(3)}, "input space"),
        (
            {"images": torch.zeros(10, 3, 8, 8), "channel_mean": None, "channel_std": None},
            "images are",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value)[:40],
)
def test_evaluate_refuses_a_set_that_does_not_fit_in_one_line(change, told, root, distilled):
    changed = DistilledSet(**{**vars(DistilledSet.load(distilled)), **change})
    with pytest.raises(UserError, match=told) as caught:
        ddbench.evaluate(changed, budget="smoke", runs_root=root, quiet=True)
    assert "\n" not in str(caught.value)


def test_the_control_of_an_uneven_set_has_as_many_images_of_each_class(root, capsys):
    ten = ddbench.run(**{**TINY, "runs_root": root, "ipc": 3})
    whole = DistilledSet.load(root / ten.name / "distilled.safetensors")
    kept = [i for i, label in enumerate(whole.labels.tolist()) if label != 4 and i % 3 <= label % 3]
    uneven = DistilledSet(
        **{**vars(whole), "images": whole.images[kept], "labels": whole.labels[kept]}
    )
    chosen = {"budget": "smoke", "protocols": ["hard"], "runs_root": root}
    record = ddbench.evaluate(uneven, **chosen)
    own, control, difference = record.measurements
    assert record.task.class_counts[4] == 0
    # Random's own set, thinned out in the same way, is its own control.
    assert own.values == control.values
    assert difference.value == 0
    told = capsys.readouterr().out
    assert "the set has 0 to 3 images per class; none of 4" in told


def pair_of_arrays():
    draws = np.random.RandomState(0)
    sizes = {"train": 24, "test": 12}
    return {
        s: (draws.randint(0, 256, (n, 8, 8)).astype("u1"), np.arange(n) % 3)
        for s, n in sizes.items()
    }


def test_data_in_memory_are_run_found_again_and_scored(tmp_path):
    roots = {"runs_root": tmp_path / "runs", "data_root": tmp_path / "data"}
    asked = {**TINY, **roots, "dataset": {**pair_of_arrays(), "name": "noise"}}
    record = ddbench.run(**asked)
    assert record.name.startswith("random-noise-ipc1-smoke")
    told = record.task.dataset
    assert (told.name, told.called, told.settings) == ("arrays", "noise", {})
    assert ddbench.run(**asked) == record
    by_content = {**asked, "dataset": "arrays", "dataset.content": told.places["content"]}
    assert ddbench.run(**by_content).data == record.data
    file = tmp_path / "runs" / record.name / "distilled.safetensors"
    choices = {name: value for name, value in asked.items() if name != "method"}
    scored = ddbench.evaluate(file, **choices)
    assert scored.task.dataset == told
    assert scored.distilled.sha256 == record.distilled.sha256
    assert setting_of(scored).dataset == "noise"
