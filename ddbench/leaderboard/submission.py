"""Submission of a record to a leaderboard, checked against its distilled file."""

from __future__ import annotations

import io
from pathlib import Path

from ..distilling.distilled_set import DistilledSet
from ..errors import UserError, shortened
from ..records.checking import is_own_accuracy
from ..records.record import Record
from ..records.units import images_per_class, size
from ..store.files import digest_of_file, write_bytes, write_json
from .reading import read_record

MAX_GALLERY_BYTES = 5_000_000
GALLERY_SIDE = 1600


def check_record(path: Path) -> Record:
    """Read a record that may enter the leaderboards.

    Raises:
        UserError: with one line on what is wrong.
    """
    record = read_record(path)
    if record.data.scored_split != "test":
        raise UserError(
            f"{path} is scored on held-out training images; leaderboards take test ones"
        )
    if any(protocol.trial_rate is not None for protocol in record.protocols):
        raise UserError(f"{path} is a trial of a learning rate, which is not a protocol")
    if not any(is_own_accuracy(m) and m.value is not None for m in record.measurements):
        raise UserError(f"{path} holds no accuracy")
    return record


def check_distilled(record: Record, path: Path) -> DistilledSet:
    """The distilled set of a record, after comparing the two.

    Raises:
        UserError: with one line on what is wrong or differs.
    """
    distilled = DistilledSet.load(path)
    found = digest_of_file(path)
    if found != record.distilled.sha256:
        raise UserError(
            f"{path} is not the set of the record: its SHA-256 is {found[:12]}..., "
            f"the record says {record.distilled.sha256[:12]}..."
        )
    counts = distilled.class_counts.tolist()
    compared = {
        "dataset": (distilled.dataset, record.task.dataset.name),
        "input space": (distilled.input_space, record.task.input_space),
        "ipc": (images_per_class(counts), record.task.ipc_in_words),
        "storage": (size(distilled.storage_bytes), size(record.distilled.storage_bytes)),
        "file": (path.stat().st_size, record.distilled.file_bytes),
    }
    for what, (here, told) in compared.items():
        if here != told:
            raise UserError(f"{path}: {what} is {here}, the record says {told}")
    return distilled


def is_there(record: Record, repository: Path) -> bool:
    """Whether `leaderboards/results/` has the record already.

    Raises:
        UserError: if another record has its name.
    """
    target = _target(record, repository)
    if target.exists() and Record.load(target) != record:
        raise UserError(f"{target} is there already and differs; records never change")
    return target.exists()


def put(record: Record, repository: Path, picture: bytes | None = None) -> Path:
    """Put a record into `leaderboards/results/`, and its picture into `leaderboards/galleries/`.

    Args:
        record: a checked record.
        repository: the folder above `leaderboards/`.
        picture: the picture of its set, from `redrawn`.

    Returns:
        The record's file.

    Raises:
        UserError: if another record has its name.
    """
    if not is_there(record, repository):
        write_json(_target(record, repository), record.plain())
    if picture is not None:
        galleries = repository / "leaderboards" / "galleries"
        write_bytes(galleries / f"{record.name}.png", picture)
    return _target(record, repository)


def _target(record: Record, repository: Path) -> Path:
    return repository / "leaderboards" / "results" / f"{record.name}.json"


def redrawn(gallery: Path) -> bytes:
    """A picture redrawn as a PNG of its pixels only, at most 1600 on a side, without metadata.

    Raises:
        UserError: if it is not a PNG of reasonable size.
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
        raise UserError(f"{gallery} is not a PNG image: {shortened(str(error))}") from error
    picture.thumbnail((GALLERY_SIDE, GALLERY_SIDE))
    buffer = io.BytesIO()
    picture.quantize(128).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
