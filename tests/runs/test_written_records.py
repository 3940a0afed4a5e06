"""Every record that a run writes is read back by its own checker, and enters the tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddbench.errors import UserError
from ddbench.leaderboard.reading import Reading, read_record
from ddbench.leaderboard.tables import results_of, table_files
from ddbench.records.measurement import Measurement
from ddbench.runs.execute import execute
from ddbench.runs.request import RunRequest
from ddbench.scoring.registry import EVALUATORS

EVERYTHING = (
    f"evaluators=[{','.join(EVALUATORS.names())}]",
    "evaluators.cross_architecture.targets=[mlp]",
    "evaluators.parallel_merge.groups=2",
    "protocols=[hard,soft,paper,noaug]",
    "method.iterations=2",
    "method.student_epochs=5",
    "method.teachers=2",
    "model.width=8",
    "whole=true",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images in folders: two classes of eight training images and four test images."""
    root = tmp_path_factory.mktemp("images")
    draws = np.random.default_rng(0)
    for split, count in (("train", 8), ("test", 4)):
        for name in ("cat", "dog"):
            place = root / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = draws.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    return root


@pytest.mark.parametrize(
    ("dataset", "validation"), [("digits", 0), ("random_pixels", 0.2), ("image_folder", 0.2)]
)
def test_record_of_a_run_is_read_back_and_enters(
    dataset: str,
    validation: float,
    folder: Path,
    tiny: Callable[..., RunRequest],
    tmp_path: Path,
) -> None:
    shapes = {
        "digits": (),
        "random_pixels": ("dataset.resolution=16", "dataset.classes=2", "dataset.images=20"),
        "image_folder": (
            f"dataset.path={folder}",
            "dataset.resolution=16",
            "dataset.called=pets",
        ),
    }
    words = [f"dataset={dataset}", *shapes[dataset], f"validation={validation}", *EVERYTHING]
    request = tiny(tmp_path, "method=apm", f"data_root={tmp_path / 'data'}", *words)
    outcome = execute(request, quiet=True)
    record = read_record(outcome.folder / "record.json")
    assert record == outcome.record
    measured = {name for name, facts in record.evaluators.items() if facts.skipped is None}
    assert measured | {"nas"} == set(EVALUATORS.names())  # whose truth is a download
    files = table_files(results_of([record]), Reading([record], read=1), pictures=False)
    assert all(files.values())
    name = "pets" if dataset == "image_folder" else dataset
    assert name in files["scores.csv"].decode()
    assert not any(str(folder).encode() in content for content in files.values())


def test_record_that_cannot_be_written_is_one_line(
    tiny: Callable[..., RunRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [Measurement("accuracy", float("nan"), "fraction")]
    monkeypatch.setattr(EVALUATORS["accuracy"], "evaluate", lambda self, run: wrong)
    with pytest.raises(UserError, match=r"measurements\.0\.value=nan") as refused:
        execute(tiny(tmp_path, "method=random", "evaluators=[accuracy]"), quiet=True)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.glob("*/record.json"))
