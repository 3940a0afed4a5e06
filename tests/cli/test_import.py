"""`ddbench inspect` and `ddbench import`, from a file to scores."""

from __future__ import annotations

import re

import pytest
import torch

from ddbench.distilling.distilled_set import DistilledSet


@pytest.fixture
def released(tmp_path):
    """A file as the code of DC writes it, two sets of digits."""
    numbers = torch.Generator().manual_seed(0)
    ids = torch.arange(10)
    pairs = [[torch.randn(10, 1, 8, 8, generator=numbers), ids] for _ in range(2)]
    path = tmp_path / "res_X.pt"
    torch.save({"data": pairs, "accs_all_exps": {"ConvNet": [0.1, 0.2, 0.25, 0.75]}}, path)
    return path, pairs


def test_inspect_tells_what_is_there_and_what_must_be_said(released, command, tmp_path):
    picture = tmp_path / "spaces.png"
    answer = command("inspect", str(released[0]), "--picture", str(picture), "--dataset", "digits")
    assert answer.status == 0
    for told in ("importer dc", "(10, 1, 8, 8)", "sets: 2", "50.00 %", "input_space=", "which="):
        assert told in answer.out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_import_writes_a_set_that_evaluate_scores(released, command, tmp_path):
    path, pairs = released
    target = tmp_path / "set.safetensors"
    words = ["--dataset", "digits", "--input_space", "normalised:half", "--like", "dc"]
    answer = command("import", str(path), *words, "-o", str(target))
    assert answer.status == 0
    assert "recorded by its authors, ConvNet: 50.00 %" in answer.out
    made = DistilledSet.load(target)
    assert torch.equal(made.images, pairs[1][0])
    keys = ("budget=smoke", "protocols=[paper,hard]", "threads=1")
    scored = command("evaluate", str(target), *keys)
    assert scored.status == 0, scored.err
    assert "paper/1" in scored.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["FILE"], "-o FILE"),
        (["-o", "x.safetensors"], "import needs one file or folder"),
        (["FILE", "-o", "x"], "dataset= a name"),
        (["FILE", "-o", "x", "--dataset", "digits"], "input_space= pixels.*which= the number"),
        (["FILE", "-o", "x", "--dataset", "digits", "--like", "dcc"], "unknown family"),
        (["FILE", "-o", "x", "--dataset", "digit"], "did you mean digits"),
        (["FILE", "-o", "x", "--data", "digits"], "unknown option"),
    ],
)
def test_a_mistake_is_answered_in_one_line(words, told, released, command):
    given = [str(released[0]) if word == "FILE" else word for word in words]
    assert re.search(told, command("import", *given).complaint)
