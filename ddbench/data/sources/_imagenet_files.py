"""The files of ImageNet-1K as they are published: training images in folders, validation in one.

The classes of the validation images come from folders (as many scripts sort them), from Kaggle's
`LOC_val_solution.csv`, or from the development kit's `ILSVRC2012_validation_ground_truth.txt`,
whose numbers `map_clsloc.txt` or `meta.mat` maps to WordNet ids.
"""

from __future__ import annotations

import csv
import importlib.util
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError, shown
from ..formats.image_files import Found, list_images

TRAIN_SIZE, TEST_SIZE = 1_281_167, 50_000
"""Training images, and validation images, on which everybody tests."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""For pixels in [0, 1] of 224-pixel images; everybody uses them at every size."""
WNID = re.compile(r"n\d{8}")
GROUND_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
SOLUTION = "LOC_val_solution.csv"
NUMBERS = ("map_clsloc.txt", "meta.mat")
OTHER_CLASS = "class that is not used"
_KIT = (".", "data", "ILSVRC2012_devkit_t12/data", "devkit/data")
"""Where the files of the development kit are looked for."""
_NAME = re.compile(r"ILSVRC2012_val_(\d{8})")


@dataclass(frozen=True)
class ImageNetFiles:
    """The contents of a folder with `train/` and `val/`."""

    folder: Path

    @cached_property
    def wnids(self) -> tuple[str, ...]:
        """WordNet ids of the folders of training images, sorted.

        Raises:
            UserError: where there are none.
        """
        train = self.folder / "train"
        try:
            names = sorted(entry.name for entry in train.iterdir() if entry.is_dir())
        except OSError:
            names = []
        found = tuple(name for name in names if WNID.fullmatch(name))
        if len(found) < 2:
            raise UserError(
                f"ImageNet: {train} has no folders of classes such as n01440764; unpack "
                "ILSVRC2012_img_train.tar there, each class into a folder, and "
                f"ILSVRC2012_img_val.tar into {self.folder / 'val'} (from "
                "https://image-net.org/download-images after a login)"
            )
        return found

    def train(self, wnids: tuple[str, ...], left_out: Counter[str]) -> list[Found]:
        """Training images, ordered by class and name; a class's id is its position in `wnids`."""
        files: list[Found] = []
        for label, wnid in enumerate(wnids):
            found = list_images(self.folder / "train" / wnid, self.folder, label, left_out)
            if not found:
                raise UserError(f"{self.folder / 'train' / wnid} has no images")
            files += found
        return files

    def val(self, wnids: tuple[str, ...], left_out: Counter[str]) -> list[Found]:
        """Validation images in the order of their names, in either layout.

        Raises:
            UserError: if the class of any of them is unknown.
        """
        folder = self.folder / "val"
        label_of = {wnid: label for label, wnid in enumerate(wnids)}
        if not folder.is_dir():
            raise UserError(f"ImageNet: {folder} is missing")
        if any((folder / wnid).is_dir() for wnid in wnids):
            sorted_files: list[Found] = []
            for wnid, label in label_of.items():
                sorted_files += list_images(folder / wnid, self.folder, label, left_out)
            return sorted(sorted_files, key=lambda file: file.path.name)
        class_of = self._classes_of_val()
        files = []
        for file in sorted(
            list_images(folder, self.folder, 0, left_out), key=lambda file: file.path.name
        ):
            wnid = class_of.get(file.path.stem, "")
            if not wnid:
                raise UserError(f"{file.path}: its class is unknown")
            if wnid in label_of:
                files.append(Found(file.path, file.name, label_of[wnid], file.facts))
            else:
                left_out[OTHER_CLASS] += 1
        return files

    def numbers(self) -> dict[int, str] | None:
        """WordNet ids by the development kit's numbers 1..1000; None without the kit.

        Raises:
            UserError: if its file is damaged.
        """
        text, matrix = (self._of_kit(name) for name in NUMBERS)
        if text is not None:
            rows = [line.split() for line in _lines(text)]
            found = {int(r[1]): r[0] for r in rows if len(r) == 3 and r[1].isdecimal()}
            file = text
        elif matrix is not None:
            found, file = _numbers_of_matrix(matrix), matrix
        else:
            return None
        if not found or not all(WNID.fullmatch(wnid) for wnid in found.values()):
            raise UserError(f"{file} does not say the numbers of the classes")
        return found

    def _classes_of_val(self) -> dict[str, str]:
        """The WordNet id of each validation image, by its name without ending."""
        solution, truth = self._of_kit(SOLUTION), self._of_kit(GROUND_TRUTH)
        if solution is not None:
            rows = csv.DictReader(_lines(solution))
            said = {r.get("ImageId") or "": (r.get("PredictionString") or "")[:9] for r in rows}
            wrong = [name for name, wnid in said.items() if not WNID.fullmatch(wnid)]
            if wrong or not said:
                raise UserError(f"{solution} does not say the class of {shown((*wrong, 'any')[0])}")
            return said
        numbers = self.numbers()
        if truth is None or numbers is None:
            raise UserError(
                f"ImageNet: {self.folder / 'val'} has no folders of classes; expected "
                f"{SOLUTION}, or {GROUND_TRUTH} and {' or '.join(NUMBERS)} of the "
                f"development kit, in {self.folder}"
            )
        found = {}
        for number, line in enumerate(_lines(truth), start=1):
            wnid = numbers.get(int(line)) if line.isdecimal() else None
            if wnid is None:
                raise UserError(f"{truth} line {number}: {shown(line)} is not a class number")
            found[f"ILSVRC2012_val_{number:08}"] = wnid
        return found

    def _of_kit(self, name: str) -> Path | None:
        places = (self.folder / place / name for place in _KIT)
        return next((place for place in places if place.is_file()), None)


@cache
def published_wnids() -> tuple[str, ...]:
    """The 1,000 WordNet ids, sorted, as timm lists them; empty if it has no such file."""
    return tuple(_of_timm("imagenet_synsets.txt"))


def class_names(wnids: tuple[str, ...]) -> tuple[str, ...]:
    """The first name of each class, with its id if two share it; the id alone if it has none."""
    words = dict(line.split("\t", 1) for line in _of_timm("imagenet_synset_to_lemma.txt"))
    names = [words.get(wnid, wnid).partition(",")[0].strip() for wnid in wnids]
    count = Counter(names)
    return tuple(
        f"{name} ({wnid})" if count[name] > 1 else name
        for name, wnid in zip(names, wnids, strict=True)
    )


def _of_timm(name: str) -> list[str]:
    """The lines of a file that comes with timm, without importing timm."""
    spec = importlib.util.find_spec("timm")
    for folder in (spec and spec.submodule_search_locations) or []:
        file = Path(folder, "data", "_info", name)
        if file.is_file():
            return _lines(file)
    return []


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read ({type(error).__name__})") from error


def _numbers_of_matrix(file: Path) -> dict[int, str]:
    """WordNet ids by number, from the table `synsets` of `meta.mat`.

    Its columns are number, WordNet id, two texts, and number of children. Only synsets without
    children are classes of the challenge.
    """
    from scipy.io import loadmat

    try:
        table: Any = loadmat(str(file), squeeze_me=True, variable_names=["synsets"])["synsets"]
        rows = [(int(row[0]), str(row[1]), int(row[4])) for row in np.atleast_1d(table).tolist()]
    except Exception as error:  # scipy raises many kinds on what is no such file
        reason = " ".join(str(error).split())
        raise UserError(f"{file} cannot be read ({type(error).__name__}: {reason})") from error
    return {number: wnid for number, wnid, children in rows if not children}
