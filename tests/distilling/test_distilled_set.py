"""The exchange format: equal sets are equal bytes, and nothing in a foreign file is trusted."""

from __future__ import annotations

import json
import math
import struct

import pytest
import torch
from safetensors.torch import save

from ddbench.distilling.distilled_set import MAX_HEADER_CHARACTERS, DistilledSet
from ddbench.errors import UserError
from ddbench.training.loss import Loss
from ddbench.training.recipe import TrainingRecipe


def example(**changes):
    """A small set with all of its parts."""
    generator = torch.Generator().manual_seed(0)
    parts = {
        "images": torch.randn(4, 1, 8, 8, generator=generator),
        "labels": torch.tensor([0, 0, 1, 1]),
        "class_names": ("null", "eins"),
        "dataset": "digits",
        "input_space": "normalised",
        "soft_labels": torch.randn(4, 2, generator=generator),
        "soft_label_kind": "logits",
        "labeller": "abc@3",
        "learned_rate": 0.02,
        "evaluation": TrainingRecipe(10, 0.1, milestones=(5,), loss=Loss.l1),
        "space_fingerprint": torch.randn(64, generator=generator),
        "channel_mean": torch.tensor([0.3]),
        "channel_std": torch.tensor([0.4]),
        "provenance": {"method": "apm", "ipc": 2},
    }
    return DistilledSet(**{**parts, **changes})


def tensors_of(distilled):
    return {"images": distilled.images, "labels": distilled.labels}


def header_of(distilled):
    data = distilled.to_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["ddbench"])


def load(tmp_path, data):
    path = tmp_path / "set.safetensors"
    path.write_bytes(data)
    return DistilledSet.load(path)


def test_a_set_comes_back_as_it_was(tmp_path):
    before = example()
    after = load(tmp_path, before.to_bytes())
    for name, value in vars(before).items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(getattr(after, name), value)
        else:
            assert getattr(after, name) == value
    assert after.to_bytes() == before.to_bytes()


def test_a_set_without_optional_parts_comes_back_without_them(tmp_path):
    none = dict.fromkeys(("soft_labels", "soft_label_kind", "labeller", "learned_rate"))
    more = dict.fromkeys(("evaluation", "space_fingerprint", "channel_mean", "channel_std"))
    after = load(tmp_path, example(**none, **more).to_bytes())
    assert all(getattr(after, name) is None for name in [*none, *more])


def test_equal_sets_are_equal_bytes():
    first = example().to_bytes()
    shuffled = example(provenance={"ipc": 2, "method": "apm"})
    strided = example(images=example().images.to(memory_format=torch.channels_last))
    assert first == example().to_bytes() == shuffled.to_bytes() == strided.to_bytes()


def test_the_header_is_one_string_so_that_its_order_is_fixed():
    data = example().to_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert list(json.loads(data[8 : 8 + length])["__metadata__"]) == ["ddbench"]


def test_storage_counts_images_and_all_labels():
    assert example().storage_bytes == 4 * 64 * 4 + 4 * 8 + 4 * 2 * 4


@pytest.mark.parametrize(
    "changes",
    [
        {"images": torch.zeros(4, 1, 8, 8, dtype=torch.float64)},
        {"images": torch.zeros(4, 64)},
        {"images": torch.zeros(0, 1, 8, 8), "labels": torch.zeros(0, dtype=torch.int64)},
        {"images": torch.zeros(4, 0, 8, 8)},
        {"images": torch.zeros(4, 1, 8, 0)},
        {"images": torch.full((4, 1, 8, 8), math.nan)},
        {"images": torch.full((4, 1, 8, 8), math.inf)},
        {"labels": torch.tensor([0, 0, 1, 2])},
        {"labels": torch.tensor([0, 0, 1, -1])},
        {"labels": torch.tensor([0.0, 0.0, 1.0, 1.0])},
        {"labels": torch.tensor([0, 1])},
        {"class_names": ()},
        {"soft_labels": torch.zeros(4, 3)},
        {"soft_labels": torch.full((4, 2), math.nan)},
        {"soft_labels": None},
        {"soft_label_kind": None},
        {"soft_label_kind": "votes"},
        {"learned_rate": -0.1},
        {"learned_rate": math.nan},
        {"learned_rate": math.inf},
        {"tile_factor": 9},
        {"tile_factor": 17},
        {"tile_factor": 2, "images": torch.zeros(4, 1, 8, 4)},
        {"channel_mean": torch.zeros(2)},
        {"channel_mean": torch.tensor([math.nan])},
        {"channel_std": torch.ones(1, 1)},
        {"channel_std": torch.ones(1, dtype=torch.complex64)},
    ],
    ids=lambda changes: f"{next(iter(changes))} {str(next(iter(changes.values())))[:20]}",
)
def test_parts_that_contradict_each_other_are_refused(changes):
    with pytest.raises(UserError, match=r"\Anot a distilled set: .+\Z"):
        example(**changes)


@pytest.mark.parametrize("factor", [1, 2, 3, 8, 16])
@pytest.mark.parametrize("height", [1, 2, 8])
@pytest.mark.parametrize("width", [1, 7, 8])
@pytest.mark.parametrize("figures", [0, 1, 3])
def test_what_is_a_set_can_be_decoded(factor, height, width, figures):
    mean = torch.full((figures,), 0.5)
    parts = {
        "images": torch.randn(4, 1, height, width),
        "channel_mean": mean,
        "channel_std": mean,
        "tile_factor": factor,
    }
    try:
        made = example(**parts)
    except UserError:
        assert figures != 1 or factor > 1
    else:
        assert made.decoded().images.shape == (4 * factor**2, 1, height, width)


def rewritten(change):
    """The bytes of a set whose header was changed by a stranger."""
    header = header_of(example())
    change(header)
    return save(tensors_of(example()), metadata={"ddbench": json.dumps(header)})


HOSTILE = {
    "empty": b"",
    "text": b"hello, I am no safetensors file",
    "a pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    "a header longer than the file": struct.pack("<Q", 2**40) + b"{}",
    "a huge header": struct.pack("<Q", 200_000_000) + b" " * 1000,
    "no header of ours": save(tensors_of(example())),
    "a header that is not JSON": save(tensors_of(example()), metadata={"ddbench": "{"}),
    "a header of lists": save(tensors_of(example()), metadata={"ddbench": "[" * 100_000}),
    "a header that is a list": save(tensors_of(example()), metadata={"ddbench": "[]"}),
    "an absurd header": save(
        tensors_of(example()), metadata={"ddbench": " " * (MAX_HEADER_CHARACTERS + 1)}
    ),
    "a number of thousands of digits": save(
        tensors_of(example()), metadata={"ddbench": f'{{"format": {"9" * 5000}}}'}
    ),
    "a type of tensors in many lines": save(tensors_of(example())).replace(
        b'"dtype":"F32"', b'"dtype":"a\\nb"'
    ),
    "another format": rewritten(lambda header: header.update(format="distilled/9")),
    "no class names": rewritten(lambda header: header.pop("class_names")),
    "class names that are text": rewritten(lambda header: header.update(class_names="01")),
    "class names that are a number": rewritten(lambda header: header.update(class_names=2)),
    "a recipe that is a list": rewritten(lambda header: header.update(evaluation=[1])),
    "a recipe with unknown names": rewritten(lambda header: header.update(evaluation={"x": 1})),
    "a recipe without end": rewritten(lambda header: header["evaluation"].update(epochs=-1)),
    "a labeller that is a number": rewritten(lambda header: header.update(labeller=7)),
    "a learned rate that is text": rewritten(lambda header: header.update(learned_rate="fast")),
    "a learned rate below 0": rewritten(lambda header: header.update(learned_rate=-1)),
    "provenance that is text": rewritten(lambda header: header.update(provenance="me")),
    "labels out of range": rewritten(lambda header: header.update(class_names=["one"])),
    "no images": save(
        {"labels": example().labels}, metadata={"ddbench": json.dumps(header_of(example()))}
    ),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_one_line_that_names_it(data, tmp_path):
    with pytest.raises(UserError) as caught:
        load(tmp_path, data)
    assert str(tmp_path / "set.safetensors") in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < len(str(tmp_path)) + 400
    assert "__init__" not in str(caught.value)


def test_a_truncated_file_is_refused(tmp_path):
    data = example().to_bytes()
    for length in (7, 8, 100, len(data) - 1):
        with pytest.raises(UserError, match="cannot be read"):
            load(tmp_path, data[:length])


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        DistilledSet.load(tmp_path / "none")
    with pytest.raises(UserError, match="cannot be read"):
        DistilledSet.load(tmp_path)


def test_unknown_tensors_in_a_file_are_ignored(tmp_path):
    extra = save(
        {**tensors_of(example()), "more": torch.zeros(1)},
        metadata={
            "ddbench": json.dumps({**header_of(example()), "soft_label_kind": None}),
        },
    )
    assert len(load(tmp_path, extra)) == 4
