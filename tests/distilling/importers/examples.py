"""One small set in each format, written as its authors' code writes it, without any importer.

A new importer is tested like the others as soon as it has an example here; one without is missed
by `test_every_importer_has_an_example`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from safetensors.torch import save_file

CLASSES = 10


@dataclass
class Content:
    """What an example holds; tests spoil one part at a time."""

    images: torch.Tensor
    ids: torch.Tensor
    soft: torch.Tensor
    rate: float = 0.0625


def content(seed: int = 0) -> Content:
    """Two random images of 1 x 8 x 8 of each class, as in `digits`."""
    numbers = torch.Generator().manual_seed(seed)
    return Content(
        torch.randn(2 * CLASSES, 1, 8, 8, generator=numbers),
        torch.arange(CLASSES).repeat_interleave(2),
        torch.randn(2 * CLASSES, CLASSES, generator=numbers),
    )


Writer = Callable[[Path, Content], Path]


@dataclass
class Example:
    """How a format is written, and what is asked of an import of it.

    Args:
        write: into a folder; returns what is imported.
        said: options that this format needs in addition to an input space.
        soft: whether the labels are soft.
        exact: whether images come back bit for bit; pictures of 8 bits are another matter.
        needs: a package without which it is refused.
    """

    write: Writer
    said: dict[str, Any]
    soft: bool = False
    exact: bool = True
    needs: str | None = None


def last_channels(images: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())


def result_file(folder: Path, c: Content) -> Path:
    accuracies = [np.float64(0.25), np.float64(0.5)]  # as numpy.mean returns them
    pairs = [[torch.zeros_like(c.images), c.ids], [c.images, c.ids]]
    torch.save({"data": pairs, "accs_all_exps": {"ConvNet": accuracies}}, folder / "res_X.pt")
    return folder / "res_X.pt"


def images_and_logits(folder: Path, c: Content) -> Path:
    torch.save({"data": [c.images, c.soft]}, folder / "gap_best.pt")
    return folder / "gap_best.pt"


def bare_tensors(folder: Path, c: Content) -> Path:
    torch.save(c.images, folder / "images_best.pt")
    torch.save(c.ids, folder / "labels_best.pt")
    return folder / "images_best.pt"


def tensors_with_rate(folder: Path, c: Content) -> Path:
    torch.save(c.images.clone().requires_grad_(), folder / "images_best.pt")
    torch.save(c.soft.clone().requires_grad_(), folder / "labels_best.pt")
    torch.save(torch.tensor(c.rate), folder / "lr_best.pt")
    return folder


def kip_arrays(folder: Path, c: Content) -> Path:
    np.savez(folder / "kip_ckpt.npz", images=last_channels(c.images), labels=c.soft.numpy())
    return folder / "kip_ckpt.npz"


def numpy_pair(folder: Path, c: Content) -> Path:
    np.save(folder / "images.npy", c.images.numpy())
    np.save(folder / "labels.npy", c.ids.numpy())
    return folder / "images.npy"


def packed(value: Any) -> bytes:
    """MessagePack as flax writes it: text, tables, and arrays as extension 1."""
    if isinstance(value, dict):
        assert len(value) < 16
        return bytes([0x80 | len(value)]) + b"".join(
            packed(k) + packed(v) for k, v in value.items()
        )
    if isinstance(value, str):
        return b"\xd9" + bytes([len(value)]) + value.encode()
    if isinstance(value, int):
        return b"\xd2" + struct.pack(">i", value)
    array = np.ascontiguousarray(value)
    shape = bytes([0x90 | array.ndim]) + b"".join(packed(side) for side in array.shape)
    data = array.tobytes()
    inner = (
        b"\x93" + shape + packed(array.dtype.name) + b"\xc6" + struct.pack(">I", len(data)) + data
    )
    return b"\xc9" + struct.pack(">I", len(inner)) + b"\x01" + inner


def prototypes(c: Content) -> dict[str, Any]:
    return {"x_proto": last_channels(c.images), "y_proto": c.soft.numpy()}


def flax_checkpoint(folder: Path, c: Content) -> Path:
    file = folder / "checkpoint_7"
    file.write_bytes(packed({"step": 7, "params": prototypes(c)}))
    return file


def averaged_checkpoint(folder: Path, c: Content) -> Path:
    other = {"x_proto": np.zeros((1, 8, 8, 1), np.float32), "y_proto": c.soft.numpy()[:1]}
    file = folder / "checkpoint_9"
    file.write_bytes(packed({"step": 9, "params": other, "ema_average": prototypes(c)}))
    return file


def tiled_list(folder: Path, c: Content) -> Path:
    place = folder / "convnet_factor2_mix"
    place.mkdir(exist_ok=True)
    torch.save([c.images, c.ids], place / "data.pt")
    return place / "data.pt"


def flat_h5(folder: Path, c: Content) -> Path:
    import h5py

    with h5py.File(folder / "curr.h5", "w") as file:
        file["data"] = c.images.flatten(1).numpy()
        file["label"] = c.soft.numpy()
    return folder / "curr.h5"


def class_folders(folder: Path, c: Content) -> Path:
    place = folder / "pictures"
    pixels = (c.images.clamp(-2, 2) + 2).mul(63).nan_to_num().byte()
    for number, (image, label) in enumerate(zip(pixels, c.ids.tolist(), strict=False)):
        target = place / f"new{label:03d}"
        target.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image.expand(3, -1, -1).permute(1, 2, 0).numpy()).save(
            target / f"class{label:03d}_id{number:03d}.png"
        )
    return place


def plain_safetensors(folder: Path, c: Content) -> Path:
    save_file({"images": c.images, "labels": c.ids}, folder / "set.safetensors")
    return folder / "set.safetensors"


def hugging_face(folder: Path, c: Content) -> Path:
    from datasets import Dataset, Features, Image, Value

    pixels = (c.images.clamp(-2, 2) + 2).mul(63).nan_to_num().byte()
    pictures = [PIL.Image.fromarray(image[0].numpy()).convert("RGB") for image in pixels]
    columns = {"image": pictures, "label": c.ids.tolist()}
    features = Features({"image": Image(), "label": Value("int64")})
    Dataset.from_dict(columns, features=features).save_to_disk(folder / "dataset")
    return folder / "dataset"


def torch_table(folder: Path, c: Content) -> Path:
    torch.save({"images": c.images, "labels": c.ids}, folder / "set.pt")
    return folder / "set.pt"


SPACE = {"input_space": "normalised:half"}
TARGETS = {"label_kind": "targets", "ids": "blocks"}
LOGITS = {"label_kind": "logits", "ids": "argmax"}
EXAMPLES: dict[str, Example] = {
    "apm": Example(images_and_logits, SPACE | LOGITS, soft=True),
    "datm": Example(tensors_with_rate, SPACE | LOGITS, soft=True),
    "dc": Example(result_file, SPACE | {"which": "last"}),
    "folder": Example(class_folders, {}, exact=False),
    "frepo": Example(flax_checkpoint, SPACE | {"ids": "blocks"}, soft=True),
    "huggingface": Example(hugging_face, {}, exact=False, needs="datasets"),
    "idc": Example(tiled_list, SPACE),
    "kip": Example(kip_arrays, SPACE | TARGETS, soft=True),
    "mtt": Example(bare_tensors, SPACE),
    "numpy_pair": Example(numpy_pair, SPACE),
    "rat": Example(flat_h5, SPACE | TARGETS, soft=True, needs="h5py"),
    "rcig": Example(averaged_checkpoint, SPACE | {"ids": "blocks"}, soft=True),
    "safetensors_file": Example(plain_safetensors, SPACE),
    "torch_table": Example(torch_table, SPACE),
}
NOT_FILES = {"memory"}
