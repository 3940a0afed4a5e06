"""STL-10: photographs of 10 kinds of animals and vehicles, 96x96 in colour, 10 classes.

A. Coates, H. Lee and A. Ng, "An Analysis of Single-Layer Networks in Unsupervised Feature
Learning", AISTATS 2011. Its 100,000 unlabelled images are not used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..source import Split
from ._torchvision import ChecksummedSource


class Stl10(ChecksummedSource):
    """5,000 training and 8,000 test images."""

    version = 1
    title = "STL-10"
    torchvision_name = "STL10"
    channels = 3
    resolution = 96
    class_names = (
        "airplane",
        "bird",
        "car",
        "cat",
        "deer",
        "dog",
        "horse",
        "monkey",
        "ship",
        "truck",
    )
    train_size = 5_000
    test_size = 8_000

    @property
    def folder(self) -> Path:
        """The unpacked archive, where torchvision keeps it."""
        return self.root.absolute() / str(self.torchvision_class.base_folder)

    @property
    def checksums(self) -> dict[str, str]:
        """MD5 of the labelled images and their labels, not of the unlabelled images."""
        stl = self.torchvision_class
        listed = dict([*stl.train_list, *stl.test_list])
        return {name: md5 for name, md5 in listed.items() if not name.startswith("unlabeled")}

    def download(self) -> None:
        """Fetch and unpack the archive, 2.6 GB with the unlabelled images."""
        from torchvision.datasets import utils

        stl = self.torchvision_class
        utils.download_and_extract_archive(
            stl.url, str(self.root), filename=stl.filename, md5=stl.tgz_md5
        )

    @property
    def by_hand(self) -> str:
        return f"unpack {self.torchvision_class.url} in {self.root.absolute()}"

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, 3, 96, 96) and classes (N,) in the order of the files.

        Raises:
            UserError: if a file is missing or damaged.
        """
        self.check()
        # Not torchvision's class, which needs the unlabelled images, too. A file holds one image
        # after another, each channel column by column; classes are numbered from 1.
        pixels = np.fromfile(self.folder / f"{split}_X.bin", dtype=np.uint8)
        images = pixels.reshape(-1, self.channels, self.resolution, self.resolution)
        labels = np.fromfile(self.folder / f"{split}_y.bin", dtype=np.uint8).astype(np.int64) - 1
        return np.ascontiguousarray(images.transpose(0, 1, 3, 2)), labels
