"""The truth of NAS-Bench-201: made files in the benchmark's schema, and files that are wrong."""

from __future__ import annotations

import collections
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ddbench.cli.main import main
from ddbench.errors import UserError
from ddbench.models.nas_bench_201 import archive as nas_bench_201_archive
from ddbench.models.nas_bench_201.cells import CELLS, cell_strings
from ddbench.models.nas_bench_201.table import (
    COLUMNS,
    load_table,
    prepare_table,
    render_table,
    table_path,
)

SETS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("ori-test", "x-valid", "x-test"),
    "ImageNet16-120": ("ori-test", "x-valid", "x-test"),
}
SEEDS = (777, 888)


def percent(index: int, epochs: int, data: str, evaluated: str, seed: int) -> float:
    """An accuracy that is different for every trial."""
    place = f"{index}/{epochs}/{data}/{evaluated}/{seed}".encode()
    return round(10 + sum(c * (k + 1) for k, c in enumerate(place)) % 8000 / 100, 2)


def trial(index: int, epochs: int, data: str, seed: int, number: Callable[[float], Any]) -> Any:
    """One training as the package's ResultsCount keeps it."""
    steps = range(epochs)
    accuracies, times = {}, {}
    for evaluated in SETS[data]:
        for step in steps:
            last = step == epochs - 1
            value = percent(index, epochs, data, evaluated, seed) if last else 1.0
            accuracies[f"{evaluated}@{step}"] = number(value)
            times[f"{evaluated}@{step}"] = 0.5
    return {
        "name": "infer.tiny",
        "net_state_dict": None,
        "train_acc1es": collections.OrderedDict((step, 50.0) for step in steps),
        "train_acc5es": collections.OrderedDict((step, 90.0) for step in steps),
        "train_losses": collections.OrderedDict((step, 1.0) for step in steps),
        "train_times": collections.OrderedDict((step, 2.0) for step in steps),
        "arch_config": {
            "channel": 16,
            "num_cells": 5,
            "arch_str": cell_strings()[index],
            "class_num": 10,
        },
        "params": 0.073306,
        "flop": 7.78305,
        "seed": seed,
        "epochs": epochs,
        "latency": [number(0.01)],
        "eval_names": list(SETS[data]),
        "eval_acc1es": accuracies,
        "eval_times": times,
        "eval_losses": dict.fromkeys(accuracies, 1.0),
    }


def results(index: int, epochs: int, data: tuple[str, ...], number: Callable[[float], Any]) -> Any:
    """All trainings of a cell for so many epochs, as ArchResults keeps them."""
    return {
        "arch_index": index,
        "arch_str": cell_strings()[index],
        "all_results": {
            (one, seed): trial(index, epochs, one, seed, number) for one in data for seed in SEEDS
        },
        "dataset_seed": {one: list(SEEDS) for one in data},
        "clear_net_done": True,
    }


def archive(
    indices: range, short: tuple[str, ...] = tuple(SETS), number: Callable[[float], Any] = float
) -> dict[str, Any]:
    """The content of the benchmark's file with the results of some cells."""
    return {
        "meta_archs": list(cell_strings()),
        "evaluated_indexes": set(indices),
        "arch2infos": {
            index: {
                "less": results(index, 12, short, number),
                "full": results(index, 200, tuple(SETS), number),
            }
            for index in indices
        },
    }


def mean(index: int, epochs: int, data: str, evaluated: str) -> float:
    return float(np.mean([percent(index, epochs, data, evaluated, seed) for seed in SEEDS])) / 100


EXPECTED = {
    "cifar10_test_200ep": (200, "cifar10", "ori-test"),
    "cifar100_test_200ep": (200, "cifar100", "x-test"),
    "imagenet16_120_test_200ep": (200, "ImageNet16-120", "x-test"),
    "cifar10_test_12ep": (12, "cifar10", "ori-test"),
    "cifar10_valid_12ep": (12, "cifar10-valid", "x-valid"),
    "cifar100_test_12ep": (12, "cifar100", "x-test"),
    "cifar100_valid_12ep": (12, "cifar100", "x-valid"),
    "imagenet16_120_test_12ep": (12, "ImageNet16-120", "x-test"),
    "imagenet16_120_valid_12ep": (12, "ImageNet16-120", "x-valid"),
}


@pytest.mark.parametrize(("zipped", "number"), [(True, float), (False, np.float64)])
def test_archive_gives_back_through_the_package_what_was_put_in(
    zipped: bool, number: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nas_bench_201_archive, "SLICE", 2)
    file = tmp_path / "made.pth"
    content = archive(range(3, 8), number=number)
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    assert prepare_table(tmp_path / "data", str(file)).startswith("NAS-Bench-201: 5 cells")
    table = load_table(tmp_path / "data")
    assert set(EXPECTED) == set(COLUMNS) == set(table.accuracies)
    for column, place in EXPECTED.items():
        values = table.accuracies[column]
        assert values[3:8] == pytest.approx([mean(i, *place) for i in range(3, 8)], abs=1e-12)
        assert np.isfinite(values).sum() == 5


def test_first_edition_has_twelve_epochs_on_half_of_cifar10_alone(tmp_path: Path) -> None:
    file = tmp_path / "made.pth"
    torch.save(archive(range(2), short=("cifar10-valid",)), file)
    prepare_table(tmp_path, str(file))
    table = load_table(tmp_path)
    assert [name for name in table.accuracies if name.endswith("_12ep")] == ["cifar10_valid_12ep"]


def test_value_that_the_package_does_not_find_is_left_out_and_counted(tmp_path: Path) -> None:
    content = archive(range(3))
    content["arch2infos"][1]["full"]["all_results"]["cifar10", 777]["get_eval"] = 3
    torch.save(content, tmp_path / "made.pth")
    told = prepare_table(tmp_path, str(tmp_path / "made.pth"))
    assert "3 cells, truth by cifar10_test_200ep (2 cells), cifar100_test_200ep, " in told
    assert np.isnan(load_table(tmp_path).accuracies["cifar10_test_200ep"][1])


class Evil:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("evil-was-here"),)


def broken(name: str) -> Any:
    content = archive(range(2))
    full = content["arch2infos"][1]["full"]
    last = full["all_results"]["cifar10", 777]
    if name == "accuracy":
        last["eval_acc1es"]["ori-test@199"] = 250.0
    elif name == "text":
        content["arch2infos"][1] = {"less": full, "full": "none"}
    elif name == "trial":
        del full["all_results"]["cifar10", 888]
    elif name == "cell":
        content["meta_archs"][0] = "|none~0|"
    elif name == "twice":
        content["meta_archs"][0] = content["meta_archs"][1]
    elif name == "index":
        content["arch2infos"][CELLS] = content["arch2infos"][1]
    elif name == "empty":
        content["arch2infos"] = {}
    elif name == "kind":
        content["arch2infos"] = [1]
    elif name == "list":
        return [1, 2]
    elif name == "code":
        content["evaluated_indexes"] = Evil()
    return content


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("accuracy", r"cell 1: cifar10_test_200ep=\d+\.\d+ is not an accuracy in percent"),
        ("text", "cell 1 is not in the schema|cell 0 is not in the schema"),
        ("trial", "is not in the schema"),
        ("cell", r"'\|none~0\|' is not a cell"),
        ("twice", "a cell is there twice"),
        ("index", "there is no cell of index '15625'"),
        ("empty", "has no results"),
        ("kind", "it has no dict 'arch2infos'"),
        ("list", "a list, not a dict"),
        ("code", "asks for more than data.*"),
    ],
)
def test_archive_that_is_wrong_is_refused_in_one_line_and_runs_nothing(
    name: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(broken(name), "made.pth")
    with pytest.raises(UserError, match=told) as refusal:
        prepare_table(tmp_path, "made.pth")
    assert "\n" not in str(refusal.value)
    assert not Path("evil-was-here").exists()
    assert not table_path(tmp_path).exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02}", pickle.dumps(Evil())])
def test_file_that_is_no_archive_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.pth is not a file of NAS-Bench-201"):
        prepare_table(tmp_path, "bad.pth")
    assert not Path("evil-was-here").exists()


@pytest.fixture(scope="module")
def whole_csv() -> str:
    """A CSV of all cells."""
    rows = {
        text: {column: (index * 7 + k) % 10_000 / 100 for k, column in enumerate(COLUMNS)}
        for index, text in enumerate(cell_strings())
    }
    return render_table(rows).decode()


def test_csv_is_copied_and_read_back(whole_csv: str, tmp_path: Path) -> None:
    (tmp_path / "source.csv").write_text(whole_csv)
    assert main(
        ["prepare", "nas_bench_201", "--source", str(tmp_path / "source.csv"),
         f"data_root={tmp_path / 'data'}"]
    ) == 0  # fmt: skip
    assert table_path(tmp_path / "data").read_text() == whole_csv
    values = load_table(tmp_path / "data").accuracies["cifar100_test_200ep"]
    assert values[[0, 5, CELLS - 1]] == pytest.approx([0.0001, 0.0036, 0.9369], abs=1e-9)


@pytest.mark.parametrize("spelling", ["source={}", "--source={}", "--source {}"])
def test_source_may_be_spelt_as_an_option(spelling: str, tmp_path: Path, capsys: Any) -> None:
    words = spelling.format(tmp_path / "a=b.csv").split(" ")
    assert main(["prepare", "nas_bench_201", *words, f"data_root={tmp_path}"]) == 2
    assert f"source={tmp_path / 'a=b.csv'}: no such file" in capsys.readouterr().err
    words = spelling.format(tmp_path).split(" ")
    assert main(["prepare", "nas_bench_201", *words, f"data_root={tmp_path}"]) == 2
    assert f"source={tmp_path}: a folder, such as NATS-Bench's" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("index,arch", "arch,index", "the columns must be index,arch,cifar10_test_200ep"),
        ("cifar10_test_200ep", "accuracy", "the columns must be"),
        ("cifar100_test_200ep", "accuracy", "'accuracy' is not a column of accuracies"),
        ("cifar100_test_200ep", "cifar10_test_200ep", "occurs twice"),
        ("\n0,|avg", "\n0,|max", r"line 2: '\|max_pool_3x3~0.* is not a cell"),
        ("\n3,|", "\n4,|", "line 5: the cell has index 3, not '4'"),
        ("|,0.07", "|,-0.07", r"cifar10_test_200ep=-0\.07 is not an accuracy in percent"),
        ("|,0.07", "|,nan", "=nan is not an accuracy"),
        ("|,0.07", "|,1e9", "is not an accuracy"),
        ("|,0.07", "|,ten", "cifar10_test_200ep='ten' is not a number"),
        ("|,0.07", "|,0.07,3", "line 3: 12 values, not 11"),
        ("|,0.07", '|,"0', "is not a CSV file|values, not"),
    ],
)
def test_csv_that_is_wrong_is_refused_in_one_line(
    wrong: str, right: str, told: str, whole_csv: str, tmp_path: Path
) -> None:
    assert wrong in whole_csv
    file = tmp_path / "source.csv"
    file.write_text(whole_csv.replace(wrong, right, 1))
    with pytest.raises(UserError, match=told) as refusal:
        prepare_table(tmp_path, str(file))
    assert "\n" not in str(refusal.value)
    assert str(file) in str(refusal.value)
    assert not table_path(tmp_path).exists()


def test_csv_that_is_cut_short_or_repeats_a_cell_is_refused(whole_csv: str, tmp_path: Path) -> None:
    file = tmp_path / "source.csv"
    lines = whole_csv.splitlines()
    for content, told in (
        (lines[:-5], "has 15620 cells, not the 15625"),
        ([*lines, lines[-1]], "line 15627: the cell .* is there twice"),
        (lines[:1], "has no cells"),
        ([], "the columns must be"),
    ):
        file.write_text("\n".join(content))
        with pytest.raises(UserError, match=told):
            prepare_table(tmp_path, str(file))
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is not a CSV file"):
        prepare_table(tmp_path, str(file))


def test_missing_table_says_how_to_prepare_it(tmp_path: Path) -> None:
    for ask in (lambda: load_table(tmp_path), lambda: prepare_table(tmp_path, None)):
        with pytest.raises(UserError, match="ddbench prepare nas_bench_201 source=FILE"):
            ask()
    (tmp_path / "x.zip").touch()
    with pytest.raises(UserError, match=r"must be a \.pth of the benchmark or a \.csv"):
        prepare_table(tmp_path, str(tmp_path / "x.zip"))
    with pytest.raises(UserError, match="a folder, such as NATS-Bench's"):
        prepare_table(tmp_path, str(tmp_path))
