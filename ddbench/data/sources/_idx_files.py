"""MNIST and data sets in its form: four files of 28x28 grey images and their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..source import Split
from ._torchvision import TorchvisionSource

# torchvision keeps checksums of the compressed files only. The unpacked ones are checked by their
# sizes: a header of 16 or 8 bytes, then 28 * 28 bytes per image or one byte per label.
_FILE_BYTES = {
    "train-images-idx3-ubyte": 16 + 60_000 * 28 * 28,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 28 * 28,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}


class IdxSource(TorchvisionSource):
    """60,000 training and 10,000 test images."""

    channels = 1
    resolution = 28
    train_size = 60_000
    test_size = 10_000

    @property
    def folder(self) -> Path:
        """The raw files, where torchvision keeps them."""
        return self.root.absolute() / self.torchvision_name / "raw"

    @property
    def file_names(self) -> list[str]:
        """The four unpacked files."""
        return list(_FILE_BYTES)

    def is_whole(self, file: Path) -> bool:
        """Whether the file has its right size."""
        return file.stat().st_size == _FILE_BYTES[file.name]

    def download(self) -> None:
        """Fetch and unpack the files."""
        self.torchvision_class(str(self.root), download=True)

    @property
    def by_hand(self) -> str:
        """Where the archives are and where they belong."""
        mirror = self.torchvision_class.mirrors[0]
        archives = ", ".join(f"{name}.gz" for name in _FILE_BYTES)
        return f"fetch {archives} from {mirror} and unpack them in {self.folder}"

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, 1, 28, 28) and classes (N,) in the order of the files.

        Raises:
            UserError: if a file is missing or damaged.
        """
        from torchvision.datasets.mnist import read_image_file, read_label_file

        self.check()
        part = "train" if split == "train" else "t10k"
        images = read_image_file(str(self.folder / f"{part}-images-idx3-ubyte"))
        labels = read_label_file(str(self.folder / f"{part}-labels-idx1-ubyte"))
        return images.unsqueeze(1).numpy(), labels.numpy()
