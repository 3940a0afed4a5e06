"""SVHN: digits of house numbers in street photographs, 32x32 in colour, 10 classes.

Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu and A. Ng, "Reading Digits in Natural Images with
Unsupervised Feature Learning", NIPS Workshop 2011. The 531,131 further images are not used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..source import Split
from ._torchvision import ChecksummedSource


class Svhn(ChecksummedSource):
    """73,257 training and 26,032 test images; their files label the digit 0 as 10."""

    version = 1
    title = "SVHN"
    torchvision_name = "SVHN"
    channels = 3
    resolution = 32
    class_names = tuple("0123456789")
    train_size = 73_257
    test_size = 26_032
    # The values in dataset condensation's code (Zhao, Mopuri and Bilen, 2021).
    mean = (0.4377, 0.4438, 0.4728)
    std = (0.1980, 0.2010, 0.1970)

    @property
    def folder(self) -> Path:
        return self.root.absolute() / "svhn"

    @property
    def checksums(self) -> dict[str, str]:
        return {name: md5 for _, name, md5 in self._listed}

    def download(self) -> None:
        """Fetch both files, 182 and 64 MB."""
        from torchvision.datasets import utils

        for url, name, md5 in self._listed:
            utils.download_url(url, str(self.folder), name, md5)

    @property
    def by_hand(self) -> str:
        urls = " and ".join(url for url, _, _ in self._listed)
        return f"put {urls} in {self.folder}"

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, 3, 32, 32) and digits (N,) in the order of the files.

        Raises:
            UserError: if a file is missing or damaged; checksums are verified before reading.
        """
        self.check()
        data = self.torchvision_class(str(self.folder), split)
        return np.ascontiguousarray(data.data), data.labels

    @property
    def _listed(self) -> list[tuple[str, str, str]]:
        """URL, name and MD5 of the file of each split."""
        return [tuple(self.torchvision_class.split_list[split]) for split in ("train", "test")]
