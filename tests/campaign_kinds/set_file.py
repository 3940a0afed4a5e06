"""A mutated set of ddbench's own format is refused in one line, or loads."""

from __future__ import annotations

import json
import random
import struct
from functools import cache
from pathlib import Path

import torch

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.errors import UserError
from ddbench.models.spec import ModelSpec
from ddbench.testing.promise import require
from ddbench.training.recipe import TrainingRecipe

from .attempt import Kind, answer, require_line, require_mistake
from .byte_mutations import with_bytes_mutated
from .json_mutations import mutated

OWN = "ddbench"
"""The entry of the metadata in which the set's own header stands, as text."""


def attempt(draws: random.Random, folder: Path, kept: Path) -> None:
    """The bytes of a set, the header of safetensors, or the set's own header are mutated."""
    data = draws.choice(_bases())
    match draws.randrange(4):
        case 0:
            data = with_bytes_mutated(draws, data)
        case 1:
            header, tensors = _parts(data)
            data = _joined(mutated(draws, header, draws.randint(1, 2)), tensors)
        case 2:
            header, tensors = _parts(data)
            values = torch.frombuffer(bytearray(tensors), dtype=torch.uint8)
            for _ in range(draws.randint(1, 3)):
                at = draws.randrange(len(values) // 4) * 4
                odd = draws.choice((float("nan"), float("inf"), -1e38, 1e38, -1.0, 1e-45))
                values[at : at + 4] = torch.frombuffer(
                    bytearray(struct.pack("<f", odd)), dtype=torch.uint8
                )
            data = _joined(json.dumps(header), values.numpy().tobytes())
        case _:
            header, tensors = _parts(data)
            own = json.loads(header["__metadata__"][OWN])
            header["__metadata__"][OWN] = mutated(draws, own, draws.randint(1, 3))
            data = _joined(json.dumps(header), tensors)
    path = folder / "set.safetensors"
    path.write_bytes(data)
    try:
        made = DistilledSet.load(path)
    except UserError as error:
        require_line(str(error), path)
    else:
        made.decoded().to_dataset()
        again = folder / "again.safetensors"
        again.write_bytes(made.to_bytes())
        same = DistilledSet.load(again).to_bytes() == made.to_bytes()
        require(same, "written and read once more it is another set")
    found = answer("inspect", str(path))
    if found.status != 0:
        require_mistake(found, path)


@cache
def _bases() -> list[bytes]:
    """A plain set, and one with every part that there is."""
    draws = torch.Generator().manual_seed(0)
    images, labels = torch.randn(4, 1, 8, 8, generator=draws), torch.tensor([0, 0, 1, 1])
    plain = DistilledSet(images, labels, ("cat", "dog"), "digits", "normalised")
    rich = DistilledSet(
        images,
        labels,
        ("cat", "dog"),
        "digits",
        "normalised:half",
        soft_labels=torch.randn(4, 2, generator=draws),
        soft_label_kind="logits",
        labeller="0123456789abcdef01234567@3",
        learned_rate=0.02,
        evaluation=TrainingRecipe(epochs=10, learning_rate=0.01, milestones=(5,)),
        student=ModelSpec("convnet", {"width": 8}),
        space_fingerprint=torch.randn(8, generator=draws),
        channel_mean=torch.tensor([0.3]),
        channel_std=torch.tensor([0.2]),
        tile_factor=2,
        provenance={"method": "apm", "settings": {"rate": 0.1, "names": ["a", "b"]}},
    )
    return [plain.to_bytes(), rich.to_bytes()]


def _parts(data: bytes) -> tuple[dict, bytes]:
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def _joined(header: str, tensors: bytes) -> bytes:
    text = header.encode()
    return struct.pack("<Q", len(text)) + text + tensors


KIND = Kind("set", attempt, share=1, seconds=300, growth_bytes=2 * 2**30)
