"""Data sets that torchvision knows: checked, fetched and read with its code and checksums."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..source import DatasetSource, Split
from ._downloads import not_downloaded


class TorchvisionSource(DatasetSource):
    """A data set under `root` in the folders where torchvision keeps it."""

    torchvision_name: ClassVar[str]
    """Name of the class in `torchvision.datasets`."""

    @property
    def torchvision_class(self) -> Any:
        """torchvision's class, imported when it is needed: that takes seconds."""
        import torchvision

        return getattr(torchvision.datasets, self.torchvision_name)

    @property
    def name(self) -> str:
        """The name in the registry, which is the name of the module."""
        return type(self).__module__.rpartition(".")[2]

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The folder that holds the files, absolute."""

    @property
    @abstractmethod
    def file_names(self) -> list[str]:
        """Names of all files that have to be in the folder."""

    @abstractmethod
    def is_whole(self, file: Path) -> bool:
        """Whether an existing file is undamaged."""

    @abstractmethod
    def download(self) -> None:
        """Fetch the files with torchvision, which raises many kinds of error."""

    @property
    @abstractmethod
    def by_hand(self) -> str:
        """How to get the files without the program, as the end of a sentence."""

    def check(self) -> None:
        """Make sure that all files are there and whole (reads them once, for their checksums)."""
        missing, damaged = self._problems()
        complaints = []
        if missing:
            complaints.append(f"{_enumerate(missing)} missing")
        if damaged:
            complaints.append(f"{_enumerate(damaged)} damaged")
        if complaints:
            raise UserError(
                f"{self.title}: {' and '.join(complaints)} in {self.folder}; "
                f"run `ddbench prepare {self.name}`, or {self.by_hand}"
            )

    def prepare(self) -> str:
        """Download what is missing or damaged, some 12 MB to 2.6 GB."""
        missing, damaged = self._problems()
        if not missing and not damaged:
            return f"{self.title} is complete in {self.folder}"
        try:
            for name in damaged:  # torchvision would keep some of them
                (self.folder / name).unlink()
            self.download()
        except Exception as error:  # URLError, RuntimeError, OSError, EOFError, tarfile's, ...
            place = self.root.absolute()
            raise not_downloaded(self.title, place, error, self.by_hand) from error
        self.check()
        return f"{self.title} is complete in {self.folder}"

    def _problems(self) -> tuple[list[str], list[str]]:
        """Names of the missing and of the damaged files."""
        missing, damaged = [], []
        for name in self.file_names:
            try:
                if not (self.folder / name).is_file():
                    missing.append(name)
                elif not self.is_whole(self.folder / name):
                    damaged.append(name)
            except OSError as error:
                raise UserError(
                    f"{self.title}: {self.folder / name} cannot be read ({error.strerror})"
                ) from error
        return missing, damaged


class ChecksummedSource(TorchvisionSource):
    """A data set whose file checksums torchvision lists."""

    @property
    @abstractmethod
    def checksums(self) -> dict[str, str]:
        """MD5 of every file by its name."""

    @property
    def file_names(self) -> list[str]:
        """All files that are read."""
        return list(self.checksums)

    def is_whole(self, file: Path) -> bool:
        """Whether the file has its checksum."""
        from torchvision.datasets.utils import check_integrity

        return bool(check_integrity(str(file), self.checksums[file.name]))


class CifarSource(ChecksummedSource):
    """CIFAR-10 or CIFAR-100 (A. Krizhevsky, 2009): 50,000 and 10,000 images, 32x32 in colour."""

    channels = 3
    resolution = 32
    train_size = 50_000
    test_size = 10_000

    @property
    def folder(self) -> Path:
        """The unpacked archive, where torchvision keeps it."""
        return self.root.absolute() / str(self.torchvision_class.base_folder)

    @property
    def checksums(self) -> dict[str, str]:
        """MD5 of the Python batches and of the file of class names."""
        cifar = self.torchvision_class
        meta = (cifar.meta["filename"], cifar.meta["md5"])
        return dict([*cifar.train_list, *cifar.test_list, meta])

    def download(self) -> None:
        """Fetch and unpack the archive."""
        from torchvision.datasets.utils import download_and_extract_archive

        # Not the constructor's download=True: it checks only the batches, so that a lost file of
        # class names would never be restored.
        cifar = self.torchvision_class
        download_and_extract_archive(
            cifar.url, str(self.root), filename=cifar.filename, md5=cifar.tgz_md5
        )

    @property
    def by_hand(self) -> str:
        """Where the archive is and where it belongs."""
        return f"unpack {self.torchvision_class.url} in {self.root.absolute()}"

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, 3, 32, 32) and classes (N,) in the order of the batches.

        Raises:
            UserError: if a file is missing or damaged; checksums are verified before unpickling.
        """
        self.check()
        data = self.torchvision_class(str(self.root), train=split == "train")
        images = np.ascontiguousarray(data.data.transpose(0, 3, 1, 2))
        return images, np.asarray(data.targets, dtype=np.int64)


def _enumerate(names: list[str]) -> str:
    """`a is`, `a and b are` or `a, b and 4 more are`, for one short line."""
    if len(names) == 1:
        return f"{names[0]} is"
    if len(names) <= 3:
        return f"{', '.join(names[:-1])} and {names[-1]} are"
    return f"{', '.join(names[:2])} and {len(names) - 2} more are"
