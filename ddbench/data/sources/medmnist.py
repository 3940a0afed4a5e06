"""MedMNIST: small medical images, `dataset.which=pathmnist` and ten others, grey or in colour.

J. Yang, R. Shi, D. Wei et al., "MedMNIST v2: A Large-Scale Lightweight Benchmark for 2D and 3D
Biomedical Image Classification", Scientific Data, 2023. The package `medmnist` describes the files,
which are in DATA_ROOT/medmnist. The validation images are not used.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError, unknown_name
from ...plugins.settings import setting
from ..source import DatasetSettings, DatasetSource, Split
from ._downloads import not_downloaded

SIZES = (28, 64, 128, 224)
_UNUSABLE = ("multi-label", "3d")


class MedMnist(DatasetSource):
    """One of the sets of single-label 2D images, at one of its published sizes."""

    @dataclass
    class Settings(DatasetSettings):
        which: str = setting("pathmnist", "the set, as the package names it")
        size: int = setting(28, "height and width in pixels: 28, 64, 128 or 224", low=28, high=224)

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.size not in SIZES:
                raise UserError(f"size={self.size}: expected one of {', '.join(map(str, SIZES))}")

    settings: MedMnist.Settings

    version = 1
    title = "MedMNIST"
    # Those of PathMNIST; `check` sets those of the chosen set.
    channels = 3
    resolution = 28
    class_names: tuple[str, ...] = (
        "adipose",
        "background",
        "debris",
        "lymphocytes",
        "mucus",
        "smooth muscle",
        "normal colon mucosa",
        "cancer-associated stroma",
        "colorectal adenocarcinoma epithelium",
    )
    train_size = 89_996
    test_size = 7_180

    def __init__(self, settings: DatasetSettings, root: Path) -> None:
        super().__init__(settings, root)
        self.resolution = self.settings.size

    def check(self) -> None:
        """Take the facts from the package, and make sure that the file is there.

        Raises:
            UserError: if the package or the file is missing, or for an unknown set.
        """
        info = self._info()
        self.channels = int(info["n_channels"])
        self.class_names = tuple(info["label"][str(n)] for n in range(len(info["label"])))
        self.train_size, self.test_size = (int(info["n_samples"][s]) for s in ("train", "test"))
        if not self.file.is_file():
            raise UserError(
                f"{self.title}: {self.file} is missing; run `ddbench prepare medmnist "
                f"dataset.which={self.settings.which} dataset.size={self.settings.size}`, or "
                f"{self._by_hand(info)}"
            )

    def prepare(self) -> str:
        """Download the file, 4 MB to 13 GB, unless it is there undamaged."""
        from torchvision.datasets import utils

        info = self._info()
        md5 = info[f"MD5{self._suffix}"]
        if not utils.check_integrity(str(self.file), md5):
            self.file.unlink(missing_ok=True)
            try:
                url = info[f"url{self._suffix}"]
                utils.download_url(url, str(self.file.parent), self.file.name, md5)
            except Exception as error:  # URLError, RuntimeError, OSError, ...
                place, by_hand = self.file.parent, self._by_hand(info)
                raise not_downloaded(self.title, place, error, by_hand) from error
        self.check()
        return f"{self.title} ({self.settings.which}) is complete in {self.file}"

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, C, H, W) and classes (N,) in the order of the file.

        Raises:
            UserError: if the file is damaged, or holds another set.
        """
        try:
            with np.load(self.file, allow_pickle=False) as arrays:
                images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{self.file} cannot be read ({reason}); {self._again}") from error
        count = self.train_size if split == "train" else self.test_size
        shape = (count, self.resolution, self.resolution, *([3] if self.channels == 3 else []))
        if images.shape != shape or labels.shape != (count, 1):
            raise UserError(
                f"{self.file} has {split} images {images.shape} and labels {labels.shape}, not "
                f"{shape} and {(count, 1)}; {self._again}"
            )
        images = images.transpose(0, 3, 1, 2) if self.channels == 3 else images[:, None]
        return np.ascontiguousarray(images), labels[:, 0].astype(np.int64)

    @property
    def file(self) -> Path:
        """The file of both splits, named as by the package, absolute."""
        return self.root.absolute() / "medmnist" / f"{self.settings.which}{self._suffix}.npz"

    @property
    def _suffix(self) -> str:
        return "" if self.settings.size == SIZES[0] else f"_{self.settings.size}"

    @property
    def _again(self) -> str:
        return "remove it and prepare the dataset again"

    def _by_hand(self, info: dict[str, Any]) -> str:
        return f"put {info[f'url{self._suffix}']} there as {self.file.name}"

    def _info(self) -> dict[str, Any]:
        """What the package says about the set."""
        try:
            from medmnist import INFO
        except ImportError as error:
            raise UserError(
                f"{self.title} needs a package that is not installed: pip install "
                "'ddbench[medmnist]'"
            ) from error
        which = self.settings.which
        usable = [
            name
            for name, info in INFO.items()
            if not any(sign in f"{name} {info['task']}" for sign in _UNUSABLE)
        ]
        if which not in usable:
            raise unknown_name(f"set of {self.title}", which, usable)
        found: dict[str, Any] = INFO[which]
        return found
