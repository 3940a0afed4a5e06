"""The distilled set: what methods produce, students train on and researchers exchange.

It is stored as one safetensors file, never a pickle. The header is one small JSON string, so that
equal sets give equal bytes. Files are untrusted: everything is checked before it is used.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from ..data.dataset import Dataset
from ..data.fit_input_space import fit_input_space
from ..data.input_space import InputSpace
from ..errors import UserError, shortened, shown
from ..models.spec import ModelSpec
from ..runtime.folders import data_root
from ..store.files import tensors_to_bytes
from ..training.recipe import HIGHEST_RATE, TrainingRecipe
from .tiles import decode_tiles

FORMAT = "ddbench-distilled/1"
SOFT_LABEL_KINDS = ("logits", "probabilities", "targets")
MAX_HEADER_CHARACTERS = 1_000_000
MAX_TILE_FACTOR = 16
REQUIRED = {"images", "labels"}
TENSORS = REQUIRED | {"soft_labels", "space_fingerprint", "channel_mean", "channel_std"}


@dataclass
class DistilledSet:
    """A small training set in a named input space.

    Args:
        images: (N, C, H, W) float32 in the input space.
        labels: (N,) int64 class ids.
        class_names: names in the order of the ids.
        dataset: name of the dataset that the set was distilled from.
        input_space: name of the images' input space.
        soft_labels: (N, classes) float32, or None.
        soft_label_kind: "logits", "probabilities", or "targets" of a regression; None without
            soft labels.
        labeller: the stored network that gave the soft labels, as "KEY@EPOCH", if any; it allows
            labelling the control's images in the same way.
        learned_rate: learning rate for students that was distilled with the images, if any.
        evaluation: the method's published recipe for training students on the set, if any.
        student: the architecture trained by that recipe, if it is not the task's.
        space_fingerprint: small vector that identifies a recomputed whitening.
        channel_mean: (C,) mean of the training pixels in [0, 1].
        channel_std: (C,) their standard deviation.
        tile_factor: each stored image is cut into this many rows and columns of tiles, and
            students see each tile enlarged to a whole image (`decoded`); 1: no tiles.
        provenance: how and from what the set was made, as small plain JSON.

    Raises:
        UserError: on construction, if the parts contradict each other.
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    dataset: str
    input_space: str
    soft_labels: Tensor | None = None
    soft_label_kind: str | None = None
    labeller: str | None = None
    learned_rate: float | None = None
    evaluation: TrainingRecipe | None = None
    student: ModelSpec | None = None
    space_fingerprint: Tensor | None = None
    channel_mean: Tensor | None = None
    channel_std: Tensor | None = None
    tile_factor: int = 1
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise UserError(f"not a distilled set: {problem}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def class_counts(self) -> Tensor:
        """Number of stored images per class, (classes,)."""
        return torch.bincount(self.labels, minlength=self.classes)

    @property
    def storage_bytes(self) -> int:
        """Bytes of the stored images and of hard and soft labels; a class id counts 8 bytes."""
        parts = (self.images, self.labels, self.soft_labels)
        return sum(part.numel() * part.element_size() for part in parts if part is not None)

    @classmethod
    def from_tensors(
        cls,
        images: Tensor,
        labels: Tensor,
        *,
        dataset: Dataset | str,
        input_space: str,
        space: InputSpace | None = None,
        **parts: Any,
    ) -> DistilledSet:
        """Build a set from tensors of any origin; facts about its dataset are filled in.

        Args:
            images: (N, C, H, W) in the input space, or uint8 pixels, which are converted to it.
            labels: (N,) class ids.
            dataset: the dataset that the set was distilled from, opened, or its name.
            input_space: the images' input space: `normalised`, `normalised:imagenet`, `zca`
                and so on, as in `ddbench.data.input_space`.
            space: the same input space, already fitted to the training images; fitted here if
                None, which takes a minute for a whitening of CIFAR-10.
            parts: other fields by name: soft_labels, soft_label_kind, learned_rate, ...

        Raises:
            UserError: if the images' shape is not the dataset's, or parts contradict each other.
        """
        opened = Dataset.open(dataset, {}, data_root(None)) if isinstance(dataset, str) else dataset
        shape = (opened.channels, opened.resolution, opened.resolution)
        if tuple(images.shape[1:]) != shape:
            raise UserError(
                f"images of {opened.name} have the shape {shape}, not {tuple(images.shape[1:])}"
            )
        if space is None:
            source = opened.source
            space = fit_input_space(input_space, opened.train.images, source.mean, source.std)
        if images.dtype == torch.uint8:
            images = space.transform(images)
        mean, std = space.channel_statistics()
        return cls(
            images=images.detach().float().cpu().contiguous(),
            labels=labels.detach().long().cpu(),
            class_names=opened.class_names,
            dataset=opened.name,
            input_space=input_space,
            space_fingerprint=space.fingerprint(),
            channel_mean=torch.tensor(mean),
            channel_std=torch.tensor(std),
            **parts,
        )

    def decoded(self) -> DistilledSet:
        """The set as students see it: itself, or with its tiles cut out and enlarged."""
        if self.tile_factor == 1:
            return self
        # The images are padded with mid-grey, whose value depends on the input space.
        grey: Tensor | float = 0.5
        if self.channel_mean is not None and self.channel_std is not None:
            grey = ((0.5 - self.channel_mean) / self.channel_std).view(-1, 1, 1)
        soft, times = self.soft_labels, self.tile_factor**2
        return replace(
            self,
            images=decode_tiles(self.images, self.tile_factor, grey),
            labels=self.labels.repeat(times),
            soft_labels=None if soft is None else soft.repeat(times, 1),
            tile_factor=1,
        )

    def to_dataset(self) -> TensorDataset:
        """(image, target) pairs as students see them: soft labels if there are any, else ids."""
        seen = self.decoded()
        return TensorDataset(
            seen.images, seen.labels if seen.soft_labels is None else seen.soft_labels
        )

    def to_bytes(self) -> bytes:
        """The file's content; equal sets give equal bytes."""
        tensors = {
            name: getattr(self, name) for name in sorted(TENSORS) if getattr(self, name) is not None
        }
        header = {
            "format": FORMAT,
            "dataset": self.dataset,
            "input_space": self.input_space,
            "class_names": list(self.class_names),
            "soft_label_kind": self.soft_label_kind,
            "labeller": self.labeller,
            "learned_rate": self.learned_rate,
            "evaluation": self.evaluation.plain() if self.evaluation else None,
            "provenance": self.provenance,
            # Omitted if there is none, so that the files of most sets do not change.
            **({"student": _plain(self.student)} if self.student else {}),
        }
        if self.tile_factor > 1:  # files without tiles keep their earlier form
            header["tile_factor"] = self.tile_factor
        return tensors_to_bytes(tensors, json.dumps(header, sort_keys=True))

    @classmethod
    def load(cls, path: Path) -> DistilledSet:
        """Read a file from an untrusted source.

        Raises:
            UserError: if the file is invalid, with the reason in one line.
        """
        from safetensors import SafetensorError, safe_open

        if os.path.isdir(path):  # Path.is_dir raises for a name that is too long
            raise UserError(f"{path} cannot be read: it is a folder, not a safetensors file")
        try:
            path.open("rb").close()  # safe_open reports a forbidden file as missing
            with safe_open(path, framework="pt") as file:
                header = json.loads(_checked_header(file.metadata()))
                tensors = {name: file.get_tensor(name) for name in file.keys() if name in TENSORS}
            if not isinstance(header, dict) or header.get("format") != FORMAT:
                raise UserError(f"its format is not {FORMAT}")
            evaluation = header["evaluation"]
            provenance, class_names = header["provenance"], header["class_names"]
            if not isinstance(provenance, dict) or not isinstance(class_names, list):
                raise UserError("its provenance is not a table, or its class names are not a list")
            labeller, learned_rate = header["labeller"], header["learned_rate"]
            if not isinstance(labeller, str | None):
                raise UserError("its labeller is not text")
            if not isinstance(learned_rate, int | float | None):
                raise UserError("its learned rate is not a number")
            missing = REQUIRED - tensors.keys()
            if missing:
                raise UserError(f"it has no tensor {' and '.join(sorted(missing))}")
            return cls(
                class_names=tuple(str(name) for name in class_names),
                dataset=str(header["dataset"]),
                input_space=str(header["input_space"]),
                soft_label_kind=header["soft_label_kind"],
                labeller=labeller,
                learned_rate=learned_rate,
                tile_factor=header.get("tile_factor", 1),
                evaluation=TrainingRecipe.from_plain(evaluation) if evaluation else None,
                provenance=provenance,
                student=_student(header.get("student")),
                **tensors,
            )
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file") from error
        except PermissionError as error:
            raise UserError(f"{path} cannot be read ({error.strerror})") from error
        except (SafetensorError, OSError, RecursionError) as error:
            if not os.path.exists(path):  # a name that is too long raises a different error
                raise UserError(f"{path}: no such file") from error
            raise UserError(
                f"{path} cannot be read as safetensors: {shortened(str(error))}; "
                "`ddbench import` converts sets of other formats"
            ) from error
        except (ValueError, KeyError, TypeError, UserError) as error:
            reason = f"its header has no {error}" if isinstance(error, KeyError) else f"{error}"
            reason = reason.removeprefix("not a distilled set: ")
            raise UserError(f"{path} is not a distilled set: {reason}") from error

    def _problem(self) -> str | None:
        images, labels, soft = self.images, self.labels, self.soft_labels
        if images.dtype != torch.float32 or images.ndim != 4 or not images.numel():
            return f"images must be float32 (N, C, H, W), not {images.dtype} {tuple(images.shape)}"
        if labels.dtype != torch.int64 or labels.shape != (len(images),):
            return f"labels must be int64 ({len(images)},), not {labels.dtype} {_shape(labels)}"
        if labels.min() < 0 or labels.max() >= self.classes:
            return f"labels must lie in 0..{self.classes - 1}"
        if not all(bool(part.isfinite().all()) for part in images.split(1024)):
            return "its images hold values that are not finite"
        if (soft is None) != (self.soft_label_kind is None):
            return "soft labels and their kind come together"
        if soft is not None:
            if self.soft_label_kind not in SOFT_LABEL_KINDS:
                return f"soft labels are {' or '.join(SOFT_LABEL_KINDS)}"
            if soft.dtype != torch.float32 or soft.shape != (len(images), self.classes):
                return f"soft labels must be float32 ({len(images)}, {self.classes})"
            if not torch.isfinite(soft).all():
                return "its soft labels hold values that are not finite"
        if type(self.tile_factor) is not int or not 1 <= self.tile_factor <= MAX_TILE_FACTOR:
            return f"the factor of its tiles must be 1 to {MAX_TILE_FACTOR}"
        height, width = images.shape[2:]
        if self.tile_factor > 1 and (height != width or self.tile_factor > height):
            return f"images of {height}x{width} cannot be {self.tile_factor} rows of square tiles"
        for name in ("channel_mean", "channel_std"):
            part = getattr(self, name)
            if part is not None and not _is_per_channel(part, images.shape[1]):
                return f"its {name} must be one finite float32 for each channel of its images"
        if self.learned_rate is not None and not 0 < self.learned_rate <= HIGHEST_RATE:
            told = shown(self.learned_rate)
            return f"the learned rate must be above 0 and at most {HIGHEST_RATE:g}, not {told}"
        return None


def _is_per_channel(part: Tensor, channels: int) -> bool:
    fits = part.dtype == torch.float32 and part.shape == (channels,)
    return fits and bool(part.isfinite().all())


def _plain(student: ModelSpec) -> dict[str, Any]:
    return {"name": student.name, "settings": student.settings}


def _student(plain: Any) -> ModelSpec | None:
    if plain is None:
        return None
    if not isinstance(plain, dict) or not isinstance(plain.get("name"), str):
        raise UserError("its student is not a model with a name")
    settings = plain.get("settings", {})
    if not isinstance(settings, dict):
        raise UserError("its student's settings are not a table")
    return ModelSpec(plain["name"], settings)


def _checked_header(metadata: dict[str, str] | None) -> str:
    header = (metadata or {}).get("ddbench", "")
    if not header or len(header) > MAX_HEADER_CHARACTERS:
        raise UserError("it has no ddbench header, or one of absurd length")
    return header


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
