"""Tiny ImageNet: photographs of 200 kinds of things, 64x64 in colour, 200 classes.

Y. Le and X. Yang, "Tiny ImageNet Visual Recognition Challenge", Stanford CS 231N, 2015. It is read
as unpacked from its archive, in DATA_ROOT/tiny-imagenet-200. The validation images are the test
split; their labels are those of `val_annotations.txt`. (An image-folder loader pointed at `val/`,
as in some published code, sees a single class there.) If `val/` has been sorted into class folders,
as many scripts do, the folders give the labels.
"""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections import Counter
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..formats.conversion import FOLDER, Conversion
from ..formats.decoding import Filter
from ..formats.image_files import DecodedFiles, Found, list_images, used_and_left_out
from ..source import DatasetSettings, DatasetSource, Split

ARCHIVE = "tiny-imagenet-200.zip"
URL = f"http://cs231n.stanford.edu/{ARCHIVE}"
MD5 = "90528d7ca1a48142e341f4ef8d21d0de"
_CLASS = re.compile(r"n\d{8}")
_IMAGE = re.compile(r"\w[\w.-]*\.JPEG")
_OTHER_CLASS = "class not in wnids.txt"
_OFFICIAL_IDS = """
    n01443537 n01629819 n01641577 n01644900 n01698640 n01742172 n01768244 n01770393 n01774384
    n01774750 n01784675 n01855672 n01882714 n01910747 n01917289 n01944390 n01945685 n01950731
    n01983481 n01984695 n02002724 n02056570 n02058221 n02074367 n02085620 n02094433 n02099601
    n02099712 n02106662 n02113799 n02123045 n02123394 n02124075 n02125311 n02129165 n02132136
    n02165456 n02190166 n02206856 n02226429 n02231487 n02233338 n02236044 n02268443 n02279972
    n02281406 n02321529 n02364673 n02395406 n02403003 n02410509 n02415577 n02423022 n02437312
    n02480495 n02481823 n02486410 n02504458 n02509815 n02666196 n02669723 n02699494 n02730930
    n02769748 n02788148 n02791270 n02793495 n02795169 n02802426 n02808440 n02814533 n02814860
    n02815834 n02823428 n02837789 n02841315 n02843684 n02883205 n02892201 n02906734 n02909870
    n02917067 n02927161 n02948072 n02950826 n02963159 n02977058 n02988304 n02999410 n03014705
    n03026506 n03042490 n03085013 n03089624 n03100240 n03126707 n03160309 n03179701 n03201208
    n03250847 n03255030 n03355925 n03388043 n03393912 n03400231 n03404251 n03424325 n03444034
    n03447447 n03544143 n03584254 n03599486 n03617480 n03637318 n03649909 n03662601 n03670208
    n03706229 n03733131 n03763968 n03770439 n03796401 n03804744 n03814639 n03837869 n03838899
    n03854065 n03891332 n03902125 n03930313 n03937543 n03970156 n03976657 n03977966 n03980874
    n03983396 n03992509 n04008634 n04023962 n04067472 n04070727 n04074963 n04099969 n04118538
    n04133789 n04146614 n04149813 n04179913 n04251144 n04254777 n04259630 n04265275 n04275548
    n04285008 n04311004 n04328186 n04356056 n04366367 n04371430 n04376876 n04398044 n04399382
    n04417672 n04456115 n04465501 n04486054 n04487081 n04501370 n04507155 n04532106 n04532670
    n04540053 n04560804 n04562935 n04596742 n04597913 n06596364 n07579787 n07583066 n07614500
    n07615774 n07695742 n07711569 n07715103 n07720875 n07734744 n07747607 n07749582 n07753592
    n07768694 n07871810 n07873807 n07875152 n07920052 n09193705 n09246464 n09256479 n09332890
    n09428293 n12267677
"""


class TinyImageNet(DatasetSource):
    """100,000 training images and the 10,000 validation images as test split.

    Classes are those of `wnids.txt` (fewer than 200 in a part of the data set), in the order of
    their WordNet ids: the order of image-folder loaders and so of all published work, not that of
    the lines of `wnids.txt`. Their names are the first in `words.txt`, or else the ids.
    """

    version = 1
    title = "Tiny ImageNet"
    channels = 3
    resolution = 64
    class_names = wnids = tuple(_OFFICIAL_IDS.split())
    train_size = 100_000
    test_size = 10_000
    # Those of ImageNet at 224 pixels, as everybody uses them here.
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(self, settings: DatasetSettings, root: Path) -> None:
        super().__init__(settings, root)
        self.folder = root.absolute() / "tiny-imagenet-200"

    def check(self) -> None:
        self.class_names = _class_names(self.folder / "words.txt", self._ids)
        self.wnids = tuple(self._ids)
        self.train_size = len(self._train.files)
        self.test_size = len(self._test.files)

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images and classes: training by class and name, test in the order of the annotations."""
        return self._split(split).load()

    def fingerprint(self, split: Split) -> str | None:
        return self._split(split).fingerprint()

    def prepare(self) -> str:
        """Download the archive (237 MB) unless it is there, unpack it, decode all images."""
        if not self.folder.is_dir():
            self._unpack(self._archive())
        self.check()
        for split in (self._train, self._test):
            split.convert()
            split.conversion.verify()
        return f"{self.title} is complete in {self.folder}: {self._told}"

    def left_out(self) -> dict[str, dict[str, int]]:
        """Files that are not images, and images of classes that `wnids.txt` does not name."""
        splits = {"train": self._train, "test": self._test}
        return {split: files.left_out for split, files in splits.items() if files.left_out}

    def notes(self) -> list[str]:
        """How many files are used, and how many are not and why."""
        return [f"{self.folder}: {self._told}"]

    @property
    def _told(self) -> str:
        return used_and_left_out(self._train, self._test)

    def _split(self, split: Split) -> DecodedFiles:
        return self._train if split == "train" else self._test

    @cached_property
    def _ids(self) -> list[str]:
        """WordNet ids of the classes, sorted; a class's id in the program is its position here."""
        file = self.folder / "wnids.txt"
        ids = self._lines(file)
        wrong = [name for name in ids if not _CLASS.fullmatch(name)]
        if wrong or len(ids) < 2 or len({*ids}) != len(ids):
            reason = f"has {wrong[0][:40]!r}" if wrong else f"has {len(ids)} lines"
            raise UserError(
                f"{file} {reason}; expected distinct ids such as n01443537, one per line"
            )
        return sorted(ids)

    @cached_property
    def _train(self) -> DecodedFiles:
        files: list[Found] = []
        left_out: Counter[str] = Counter()
        for label, name in enumerate(self._ids):
            folder = self.folder / "train" / name
            found = list_images(folder, self.folder, label, left_out)
            if not found:
                raise UserError(f"{folder} has no images")
            files += found
        return self._decoded("train", files, left_out)

    @cached_property
    def _test(self) -> DecodedFiles:
        """In the order of the annotations, which number the images, in either layout."""
        left_out: Counter[str] = Counter()
        images = self.folder / "val" / "images"
        there = list_images(images, self.folder, 0, left_out) if images.is_dir() else []
        files = self._annotated(there, left_out) if there else self._sorted(left_out)
        return self._decoded("test", files, left_out)

    def _annotated(self, images: list[Found], left_out: Counter[str]) -> list[Found]:
        """The validation images with the classes of their annotations."""
        annotations = self.folder / "val" / "val_annotations.txt"
        there = {file.path.name: file for file in images}
        label_of = {name: label for label, name in enumerate(self._ids)}
        known = {*label_of, *type(self).class_names}
        files = []
        for number, line in enumerate(self._lines(annotations), start=1):
            name, _, rest = line.partition("\t")
            class_id = rest.partition("\t")[0]
            if not _IMAGE.fullmatch(name) or class_id not in known:
                raise UserError(
                    f"{annotations} line {number}: {line[:60]!r} is not an image name and class"
                )
            file = there.pop(name, None)
            if file is None:
                raise UserError(f"{annotations} line {number}: {name} is missing, or named twice")
            if class_id in label_of:
                files.append(replace(file, label=label_of[class_id]))
            else:
                left_out[_OTHER_CLASS] += 1
        if there:
            raise UserError(
                f"{annotations} has no line for {len(there)} images, such as {min(there)}"
            )
        return files

    def _sorted(self, left_out: Counter[str]) -> list[Found]:
        """The validation images with the classes of their folders."""
        folder = self.folder / "val"
        files: list[Found] = []
        for label, name in enumerate(self._ids):
            if not (folder / name).is_dir():
                raise UserError(
                    f"{self.title}: {folder} has neither images/ nor the folder {name}; run "
                    f"`ddbench prepare tinyimagenet`, or unpack {URL} in {self.root.absolute()}"
                )
            found = list_images(folder / name, self.folder, label, left_out)
            if not found:
                raise UserError(f"{folder / name} has no images")
            files += found
        for name in {*type(self).class_names} - {*self._ids}:
            if (folder / name).is_dir():
                left_out[_OTHER_CLASS] += len(list_images(folder / name, self.folder, 0, left_out))
        return sorted(files, key=_number_and_name)

    def _decoded(self, split: Split, files: list[Found], left_out: Counter[str]) -> DecodedFiles:
        place = Conversion(self.root.absolute() / FOLDER / "tinyimagenet", split)
        facts = {"classes": self._ids}
        return DecodedFiles(
            files, self.resolution, Filter.none, place, self.version, facts, dict(left_out)
        )

    def _lines(self, file: Path) -> list[str]:
        try:
            return [line for line in file.read_text("utf-8").splitlines() if line.strip()]
        except FileNotFoundError:
            raise UserError(
                f"{self.title}: {file.name} is missing in {file.parent}; run `ddbench prepare "
                f"tinyimagenet`, or unpack {URL} in {self.root.absolute()}"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{file} cannot be read ({type(error).__name__})") from error

    def _archive(self) -> Path:
        """The archive, downloaded unless it is there undamaged."""
        from torchvision.datasets.utils import check_integrity, download_url

        archive = self.root.absolute() / ARCHIVE
        if not check_integrity(str(archive), MD5):
            try:
                download_url(URL, str(archive.parent), ARCHIVE, MD5)
            except Exception as error:  # URLError, RuntimeError, OSError, ...
                reason = " ".join(str(error).split()) or "no reason given"
                raise UserError(
                    f"{self.title} cannot be downloaded to {archive.parent} "
                    f"({type(error).__name__}: {reason}); fetch {URL} by other means and put it "
                    "there"
                ) from error
        return archive

    def _unpack(self, archive: Path) -> None:
        """Unpack beside the archive, under another name until everything is there."""
        try:
            with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".unpacking-") as place:
                with zipfile.ZipFile(archive) as packed:
                    packed.extractall(place)  # leaves out `..` and drive names by itself
                os.replace(Path(place) / self.folder.name, self.folder)
        except (OSError, zipfile.BadZipFile, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{archive} cannot be unpacked ({reason})") from error


def _number_and_name(file: Found) -> tuple[int, str]:
    """Sorts val_2.JPEG before val_10.JPEG."""
    digits = "".join(filter(str.isdecimal, file.path.stem))
    return int(digits or 0), file.name


def _class_names(words: Path, ids: list[str]) -> tuple[str, ...]:
    """The first name of each class, with its id if several share it; the id if there is none."""
    first: dict[str, str] = {}
    if words.is_file():
        for line in words.read_text("utf-8", "replace").splitlines():
            name, _, rest = line.partition("\t")
            first[name] = rest.partition(",")[0].strip()
    names = [first.get(name) or name for name in ids]
    return tuple(
        f"{name} ({id_})" if names.count(name) > 1 else name
        for name, id_ in zip(names, ids, strict=True)
    )
