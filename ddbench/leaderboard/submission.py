"""A record on its way to a leaderboard: checked against its distilled file, and scored again."""

from __future__ import annotations

import io
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..distilled import DistilledSet
from ..errors import UserError
from ..evaluator import Measurement
from ..progress import size
from ..record import Record
from ..scoring.protocols import PROTOCOLS, Labels
from ..store.files import digest_of_file, write_bytes, write_json
from .checking import is_own_accuracy
from .reading import TRIAL, read_record

LEAST_TOLERANCE = 0.03
"""A network trained again on another machine differs about as much as two networks do."""
SPREADS = 3
MAX_GALLERY_BYTES = 5_000_000
GALLERY_SIDE = 1600
# The cheapest first: labels that lie in the file, and no label teacher to train.
CHEAPEST = (Labels.hard, Labels.own, Labels.label_teacher)


@dataclass(frozen=True)
class Rescore:
    """One network trained again.

    Args:
        protocol: under which.
        recorded: the accuracy in the record.
        found: the accuracy now.
        tolerance: by how much they may differ.
    """

    protocol: str
    recorded: float
    found: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the record's number stands."""
        return abs(self.found - self.recorded) <= self.tolerance


def check_record(path: Path) -> Record:
    """A record that may enter the leaderboards.

    Raises:
        UserError: one line on what is wrong.
    """
    record = read_record(path)
    if record.data["scored_split"] != "test":
        raise UserError(
            f"{path} is scored on held-out training images; leaderboards take test ones"
        )
    if any(TRIAL in protocol for protocol in record.protocols):
        raise UserError(f"{path} is a trial of a learning rate, which is no protocol")
    if not any(is_own_accuracy(m) and m.value is not None for m in record.measurements):
        raise UserError(f"{path} holds no accuracy")
    return record


def check_distilled(record: Record, path: Path) -> DistilledSet:
    """The distilled set of a record, after comparing what both say.

    Raises:
        UserError: one line on what is wrong or differs.
    """
    distilled = DistilledSet.load(path)
    found = digest_of_file(path)
    if found != record.distilled["sha256"]:
        raise UserError(
            f"{path} is not the set of the record: its SHA-256 is {found[:12]}..., "
            f"the record says {record.distilled['sha256'][:12]}..."
        )
    ipc = torch.bincount(distilled.labels, minlength=distilled.classes)
    compared = {
        "dataset": (distilled.dataset, record.task["dataset"]),
        "input space": (distilled.input_space, record.task["input_space"]),
        "ipc": (int(ipc.max()), record.task["ipc"]),
        "storage": (size(distilled.storage_bytes), size(record.distilled["storage_bytes"])),
        "file": (path.stat().st_size, record.distilled["file_bytes"]),
    }
    for what, (here, told) in compared.items():
        if here != told:
            raise UserError(f"{path}: {what} is {here}, the record says {told}")
    return distilled


def rescore(
    record: Record, distilled: DistilledSet, overrides: Sequence[str] = (), quiet: bool = False
) -> Rescore:
    """Train evaluation network 0 on the set again, under the cheapest protocol of the record.

    Args:
        record: with accuracies.
        distilled: its set.
        overrides: further keys of `ddbench evaluate`, such as data_root.
        quiet: print nothing.

    Raises:
        UserError: where this program cannot repeat it, for example for an unknown protocol.
    """
    from ..api import evaluate

    m = _cheapest(record)
    protocol = str(m.coordinates["protocol"])
    task = record.task
    model = [f"model.{name}={_word(value)}" for name, value in task["model"]["settings"].items()]
    dataset = [f"dataset.{name}={_word(v)}" for name, v in task["dataset_settings"].items()]
    fractions = [
        f"budget.{name}={value!r}"
        for name, value in record.budget.items()
        if name not in ("name", "networks")
    ]
    # A store of its own: the score must not be found where the record was made.
    with tempfile.TemporaryDirectory() as root:
        measured = evaluate(
            distilled,
            [
                f"model={task['model']['name']}",
                *model,
                *dataset,
                f"budget={record.budget['name']}",
                *fractions,
                "budget.networks=1",
                f"protocols=[{protocol}]",
                "evaluators=[accuracy]",
                "control=null",
                f"network_seed={task['network_seed']}",
                f"runs_root={root}",
                *overrides,
            ],
            quiet=quiet,
        )
    values = [one.value for one in measured if is_own_accuracy(one) and one.value is not None]
    if not values:
        raise UserError(f"the set cannot be scored under {protocol} here: {measured[0].note}")
    spread = statistics.stdev(m.values) if len(m.values) > 1 else 0.0
    return Rescore(protocol, m.values[0], values[0], max(LEAST_TOLERANCE, SPREADS * spread))


def put(record: Record, repository: Path, gallery: Path | None = None) -> tuple[Path, bool]:
    """Put a record into `leaderboards/results/`, and its picture into `leaderboards/galleries/`.

    Args:
        record: checked.
        repository: the folder above `leaderboards/`.
        gallery: a PNG file, drawn anew so that nothing foreign travels with it.

    Returns:
        The record's file, and whether it was written now.

    Raises:
        UserError: where another record has its name or its run.
    """
    results = repository / "leaderboards" / "results"
    target = results / f"{record.name}.json"
    if gallery is not None and gallery.is_file():
        picture = _redrawn(gallery)
        write_bytes(repository / "leaderboards" / "galleries" / f"{record.name}.png", picture)
    if target.exists():
        if Record.load(target) != record:
            raise UserError(f"{target} is there already and differs; records never change")
        return target, False
    write_json(target, record.plain())
    return target, True


def _cheapest(record: Record) -> Measurement:
    own = {
        str(m.coordinates["protocol"]): m
        for m in record.measurements
        if is_own_accuracy(m)
        and m.value is not None
        and m.coordinates["subject"] == record.method["name"]
    }
    known = {protocol.label: protocol for protocol in PROTOCOLS.values()}
    usable = sorted(label for label in own if label in known)
    if not usable:
        there = ", ".join(sorted(own)) or "none"
        raise UserError(
            f"no accuracy can be repeated: protocols of the record: {there}; this version of "
            f"ddbench has {', '.join(known)}; rescore=false leaves that out"
        )
    return own[min(usable, key=lambda label: CHEAPEST.index(known[label].labels))]


def _word(value: object) -> str:
    from ..cli.compose import as_overrides

    return as_overrides({"": value})[0].removeprefix("=")


def _redrawn(gallery: Path) -> bytes:
    """The picture as a PNG of its pixels only, at most 1600 on a side.

    Raises:
        UserError: where it is no PNG of reasonable size.
    """
    from PIL import Image

    if gallery.stat().st_size > MAX_GALLERY_BYTES:
        raise UserError(f"{gallery} is too large for a picture of a set")
    try:
        with Image.open(gallery, formats=["PNG"]) as opened:
            if max(opened.size) > 20_000:
                raise UserError(f"{gallery} is too large for a picture of a set")
            picture = opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{gallery} is no PNG: {error}") from error
    picture.thumbnail((GALLERY_SIDE, GALLERY_SIDE))
    buffer = io.BytesIO()
    picture.quantize(128).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
