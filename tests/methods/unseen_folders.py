"""Five small folders of real images, for which no recipe has an entry.

They are made from CIFAR-100 and Tiny ImageNet below a data root, and from the handwritten digits
and the two photographs that come with scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from ddbench.data.registry import DATASETS
from ddbench.data.source import Split

TRAIN, TEST = 60, 40  # images per class at most
SPLITS: tuple[Split, Split] = ("train", "test")
CARNIVORES = ("bear", "leopard", "lion", "tiger", "wolf")
KINDS = {
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
}
CROP = 48  # pixels, of the photographs

Pictures = Sequence[NDArray[np.uint8]]
"""Pictures of one class, each (H, W) or (H, W, 3)."""
Content = Iterator[tuple[Split, str, Pictures]]
"""Split, class and its pictures."""


@dataclass(frozen=True)
class Folder:
    """A folder of classes as `dataset=image_folder` reads it."""

    path: Path
    resolution: int
    about: str


def make_folders(root: Path, data_root: Path) -> list[Folder]:
    """Write the five folders below `root`.

    Raises:
        UserError: where CIFAR-100 or Tiny ImageNet is not below `data_root`.
    """
    cifar = _loaded("cifar100", data_root)
    contents = [
        ("carnivores", 32, "Five carnivores of CIFAR-100", _carnivores(cifar)),
        ("grey", 32, "Five superclasses of CIFAR-100, in grey", _grey_kinds(cifar)),
        ("tiny", 64, "Five classes of Tiny ImageNet", _tiny(data_root)),
        ("crops", CROP, "Crops of scikit-learn's two photographs", _crops()),
        ("digits", 32, "scikit-learn's digits, enlarged from 8x8", _enlarged_digits()),
    ]
    return [_written(root / n, size, about, content) for n, size, about, content in contents]


def _written(path: Path, resolution: int, about: str, content: Content) -> Folder:
    for split, class_name, pictures in content:
        folder = path / split / class_name
        folder.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / f"{number:03}.png")
    return Folder(path, resolution, about)


def _most(split: Split) -> int:
    return TRAIN if split == "train" else TEST


def _loaded(name: str, data_root: Path) -> dict[tuple[Split, str], Pictures]:
    """All pictures of a dataset by split and class, each (H, W, C)."""
    plugin = DATASETS[name]
    source = plugin(plugin.Settings(), data_root)
    source.check()
    found = {}
    for split in SPLITS:
        images, labels = source.load(split)
        for label, class_name in enumerate(source.class_names):
            rows = np.flatnonzero(np.asarray(labels) == label)[: _most(split)]
            chosen = np.stack([np.asarray(images[int(row)]) for row in rows])
            found[split, class_name] = list(chosen.transpose(0, 2, 3, 1))
    return found


def _carnivores(cifar: dict[tuple[Split, str], Pictures]) -> Content:
    for split in SPLITS:
        for name in CARNIVORES:
            yield split, name, cifar[split, name]


def _grey_kinds(cifar: dict[tuple[Split, str], Pictures]) -> Content:
    for split in SPLITS:
        for kind, names in KINDS.items():
            each = _most(split) // len(names)
            chosen = [picture for name in names for picture in cifar[split, name][:each]]
            yield split, kind, [np.asarray(Image.fromarray(one).convert("L")) for one in chosen]


def _tiny(data_root: Path) -> Content:
    found = _loaded("tinyimagenet", data_root)
    first = sorted({name for _, name in found})[:5]
    for split in SPLITS:
        for name in first:
            yield split, name.replace(" ", "_"), found[split, name]


def _crops() -> Content:
    """Training crops come from the left two thirds of a photograph, test crops from the rest."""
    generator = np.random.default_rng(0)
    for name, photograph in zip(("temple", "flower"), load_sample_images().images, strict=True):
        border = photograph.shape[1] * 2 // 3
        parts = (photograph[:, :border], photograph[:, border:])
        for split, part in zip(SPLITS, parts, strict=True):
            tops = generator.integers(0, part.shape[0] - CROP, _most(split))
            lefts = generator.integers(0, part.shape[1] - CROP, _most(split))
            yield (
                split,
                name,
                [
                    part[top : top + CROP, left : left + CROP]
                    for top, left in zip(tops, lefts, strict=True)
                ],
            )


def _enlarged_digits() -> Content:
    images, labels = load_digits(return_X_y=True)
    pictures = (images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    for label in range(10):
        chosen = pictures[labels == label]
        large = [
            np.asarray(Image.fromarray(one).resize((32, 32))) for one in chosen[: TRAIN + TEST]
        ]
        yield "train", str(label), large[:TRAIN]
        yield "test", str(label), large[TRAIN:]
