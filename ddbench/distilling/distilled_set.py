"""The distilled set: what methods make, students are trained on and researchers exchange.

One safetensors file, never pickle. Its header is one small JSON string, so that equal sets are
equal bytes. A file from a stranger is checked before anything in it is believed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError, shown
from ..store.files import tensors_to_bytes
from ..training.recipe import HIGHEST_RATE, TrainingRecipe

FORMAT = "ddbench-distilled/1"
SOFT_LABEL_KINDS = ("logits", "probabilities")
MAX_HEADER_CHARACTERS = 1_000_000
REQUIRED = {"images", "labels"}
TENSORS = REQUIRED | {"soft_labels", "space_fingerprint", "channel_mean", "channel_std"}


@dataclass
class DistilledSet:
    """A small training set in a named input space.

    Args:
        images: (N, C, H, W) float32 in the input space.
        labels: (N,) int64 class ids.
        class_names: names in the order of the ids.
        dataset: name of the dataset that it was distilled from.
        input_space: name of the space that images live in.
        soft_labels: (N, classes) float32, or None.
        soft_label_kind: "logits" or "probabilities" where there are soft labels.
        labeller: which stored network gave the soft labels, as "KEY@EPOCH", if one did; with it
            the control's images can be labelled alike.
        learned_rate: a learning rate for students that was distilled with the images, if any.
        evaluation: the method's published way to train students on the set, if it has one.
        space_fingerprint: small vector by which a recomputed whitening is recognised.
        channel_mean: (C,) mean of the training pixels in [0, 1].
        channel_std: (C,) their standard deviation.
        provenance: who made it from what, as small plain JSON.

    Raises:
        UserError: on construction, when the parts contradict each other.
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
    space_fingerprint: Tensor | None = None
    channel_mean: Tensor | None = None
    channel_std: Tensor | None = None
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
    def storage_bytes(self) -> int:
        """Bytes of images and labels, hard and soft; class ids count as 8 bytes each."""
        parts = (self.images, self.labels, self.soft_labels)
        return sum(part.numel() * part.element_size() for part in parts if part is not None)

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
        }
        return tensors_to_bytes(tensors, json.dumps(header, sort_keys=True))

    @classmethod
    def load(cls, path: Path) -> DistilledSet:
        """Read a file that may come from anybody.

        Raises:
            UserError: one line on what is wrong with it.
        """
        from safetensors import SafetensorError, safe_open

        try:
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
                evaluation=TrainingRecipe.from_plain(evaluation) if evaluation else None,
                provenance=provenance,
                **tensors,
            )
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file") from error
        except (SafetensorError, OSError, RecursionError) as error:
            raise UserError(f"{path} cannot be read as safetensors: {error}") from error
        except (json.JSONDecodeError, KeyError, TypeError, UserError) as error:
            reason = f"its header has no {error}" if isinstance(error, KeyError) else f"{error}"
            reason = reason.removeprefix("not a distilled set: ")
            raise UserError(f"{path} is not a distilled set: {reason}") from error

    def _problem(self) -> str | None:
        images, labels, soft = self.images, self.labels, self.soft_labels
        if images.dtype != torch.float32 or images.ndim != 4 or not len(images):
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
        if self.learned_rate is not None and not 0 < self.learned_rate <= HIGHEST_RATE:
            told = shown(self.learned_rate)
            return f"the learned rate must be above 0 and at most {HIGHEST_RATE:g}, not {told}"
        return None


def _checked_header(metadata: dict[str, str] | None) -> str:
    header = (metadata or {}).get("ddbench", "")
    if not header or len(header) > MAX_HEADER_CHARACTERS:
        raise UserError("it has no ddbench header, or one of absurd length")
    return header


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
