"""Pickles are read by their opcodes: what is published is found, and nothing is ever executed."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddbench.data.formats import pickle_layout
from ddbench.data.formats.image_batches import PickledBatch
from ddbench.data.formats.pickle_layout import read_layout
from ddbench.errors import UserError

PIXELS = np.random.RandomState(0).randint(0, 256, (6, 12)).astype(np.uint8)
NUMBERS = [1, 3, 2, 3, 1, 2]
PROTOCOLS = range(2, 6)


class Runs:
    """Unpickling it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def opened(path: Path) -> PickledBatch:
    return PickledBatch(path, side=2, classes=3)


def python_2_pickle() -> bytes:
    """Protocol 2 as Python 2 wrote it: byte strings, and NumPy's old module names."""
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ"
    dtype += b"\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87R"
    array += b"(K\x01K\x06K\x0c\x86" + dtype + b"\x89T" + (72).to_bytes(4, "little")
    array += PIXELS.tobytes() + b"tb"
    labels = b"]q\x03(" + b"".join(b"K" + bytes([number]) for number in NUMBERS) + b"e"
    return b"\x80\x02}q\x00(U\x04data" + array + b"U\x06labels" + labels + b"u."


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("labels", [list, np.array, lambda n: np.array(n, ">i2")])
def test_arrays_are_found_in_every_protocol(
    protocol: int, labels: Callable[[list[int]], Any], tmp_path: Path
) -> None:
    content = {"data": PIXELS, "labels": labels(NUMBERS), "mean": PIXELS.mean(axis=0)}
    (tmp_path / "batch").write_bytes(pickle.dumps(content, protocol))
    batch = opened(tmp_path / "batch")
    assert batch.labels.tolist() == [number - 1 for number in NUMBERS]
    for start in (0, 1, 5):
        blocks = list(batch.blocks(start, 4))
        assert np.array_equal(np.concatenate(blocks).reshape(-1, 12), PIXELS[start:])
    mapped = batch.mapped()
    assert (mapped is None) == (protocol == 2)  # which recodes bytes as text
    if mapped is not None:
        assert np.array_equal(mapped.reshape(6, 12), PIXELS)
        assert isinstance(mapped, np.memmap)


def test_pickle_of_python_2_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "batch").write_bytes(python_2_pickle())
    assert pickle.loads(python_2_pickle(), encoding="latin1")["labels"] == NUMBERS
    batch = opened(tmp_path / "batch")
    mapped = batch.mapped()
    assert mapped is not None
    assert np.array_equal(mapped.reshape(6, 12), PIXELS)
    assert batch.labels.tolist() == [number - 1 for number in NUMBERS]


def test_sparse_batches_of_the_tests_are_true_pickles(
    sparse_batch: Callable[[Path, list[int]], None], tmp_path: Path
) -> None:
    sparse_batch(tmp_path / "batch", [1, 1000, 300])
    content = pickle.loads((tmp_path / "batch").read_bytes())
    assert content["labels"] == [1, 1000, 300]
    assert content["data"].shape == (3, 12_288)
    assert not content["data"].any()


@pytest.mark.parametrize("protocol", [0, 1, *PROTOCOLS])
@pytest.mark.parametrize("place", ["alone", "data", "labels", "in a list", "beside"])
def test_hostile_pickle_executes_nothing_and_is_one_line(
    protocol: int, place: str, tmp_path: Path
) -> None:
    runs = Runs(tmp_path / "executed")
    good = {"data": PIXELS, "labels": NUMBERS}
    content: Any = {
        "alone": runs,
        "data": good | {"data": runs},
        "labels": good | {"labels": runs},
        "in a list": good | {"labels": [*NUMBERS, runs]},
        "beside": good | {"more": runs},
    }[place]
    hostile = pickle.dumps(content, protocol)
    (tmp_path / "batch").write_bytes(hostile)
    with pytest.raises(UserError) as error:
        opened(tmp_path / "batch")
    assert "\n" not in str(error.value)
    assert "is not a batch of images" in str(error.value)
    assert not (tmp_path / "executed").exists()
    pickle.loads(hostile)  # so that the test is known to be one
    assert (tmp_path / "executed").exists()


NAMES = [
    "builtins eval",
    "os system",
    "numpy load",
    "numpy.core.multiarray scalar",
    "x" * 90 + " y",
]


@pytest.mark.parametrize("name", NAMES)
def test_name_outside_the_list_is_refused(name: str, tmp_path: Path) -> None:
    code = b"c" + "\n".join(name.split()).encode() + b"\nX\x01\x00\x00\x001\x85R."
    (tmp_path / "batch").write_bytes(b"\x80\x02" + code)
    with pytest.raises(UserError, match="nothing was executed"):
        read_layout(tmp_path / "batch")


WRONG = {
    "pixels of another type": ({"data": PIXELS.astype(np.int8), "labels": NUMBERS}, "type int8"),
    "images of another size": ({"data": PIXELS[:, :-1], "labels": NUMBERS}, r"shape \(6, 11\)"),
    "flat pixels": ({"data": PIXELS.ravel(), "labels": NUMBERS}, r"shape \(72,\)"),
    "column order": ({"data": np.asfortranarray(PIXELS), "labels": NUMBERS}, "row by row"),
    "Python objects": ({"data": PIXELS.astype(object), "labels": NUMBERS}, "not of numbers"),
    "no image": ({"data": PIXELS[:0], "labels": []}, "__builtin__.bytes|shape"),
    "too few labels": ({"data": PIXELS, "labels": NUMBERS[1:]}, "labels of shape"),
    "label 0": ({"data": PIXELS, "labels": [0, *NUMBERS[1:]]}, r"range over 0\.\.3, not 1\.\.3"),
    "label too large": ({"data": PIXELS, "labels": [4, *NUMBERS[1:]]}, r"1\.\.4, not 1\.\.3"),
    "huge label": ({"data": PIXELS, "labels": [2**80, *NUMBERS[1:]]}, "integers"),
    "label in floating point": ({"data": PIXELS, "labels": np.array(NUMBERS, "f4")}, "labels"),
    "text as label": ({"data": PIXELS, "labels": ["1", *NUMBERS[1:]]}, "not all integers"),
    "true as label": ({"data": PIXELS, "labels": [True, *NUMBERS[1:]]}, "not all integers"),
    "no labels": ({"data": PIXELS}, "`data` and `labels`"),
    "a list": ([PIXELS, NUMBERS], "no dictionary"),
    "nothing": (None, "no dictionary"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("protocol", [2, 4])
def test_wrong_content_is_one_line(case: str, protocol: int, tmp_path: Path) -> None:
    content, complaint = WRONG[case]
    (tmp_path / "batch").write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(UserError, match=complaint) as error:
        opened(tmp_path / "batch")
    assert str(tmp_path / "batch") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_batch_cut_short_anywhere_is_one_line(protocol: int, tmp_path: Path) -> None:
    whole = pickle.dumps({"data": PIXELS, "labels": NUMBERS}, protocol)
    for length in range(len(whole)):
        (tmp_path / "batch").write_bytes(whole[:length])
        with pytest.raises(UserError, match="is not a batch of images") as error:
            opened(tmp_path / "batch")
        assert "\n" not in str(error.value)


def test_damaged_bytes_are_one_line_or_harmless(tmp_path: Path) -> None:
    """Each byte outside the pixels is set in turn to each of some revealing values."""
    whole = pickle.dumps({"data": PIXELS, "labels": NUMBERS}, 4)
    pixels = whole.index(PIXELS.tobytes())
    for place in [*range(pixels), *range(pixels + PIXELS.size, len(whole))]:
        for value in b"\x00\xff.(0}]th\x85Rb\x93":
            damaged = bytearray(whole)
            damaged[place] = value
            (tmp_path / "batch").write_bytes(damaged)
            with contextlib.suppress(UserError):
                opened(tmp_path / "batch")


def test_endless_opcodes_and_lines_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_layout, "MAX_OPCODES", 1000)
    for endless, complaint in ((b"N" * 5000, "too many"), (b"c" + b"x" * 10**6, "damaged")):
        (tmp_path / "batch").write_bytes(b"\x80\x02" + endless)
        with pytest.raises(UserError, match=complaint):
            read_layout(tmp_path / "batch")
