"""Atomic writing of files: under a temporary name, then renamed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


CHECKSUM = "checksum"
"""The key of a table's own checksum."""


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file atomically; a crash at any instant leaves the old one or the new one."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that atomically replaces `path` when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # not 0600: a store may be shared
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, with keys in the order given."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """The bytes that `write_json` writes."""
    return f"{json_text(value)}\n".encode()


def json_text(value: Any) -> str:
    """Indented JSON, with keys in the order given."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def read_json(path: Path, remedy: str = "remove it to make it again") -> Any:
    """Read JSON.

    Args:
        path: the file.
        remedy: advice if it is not JSON; the default suits files that ddbench made for itself.

    Raises:
        UserError: if the file cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # ValueError: also for numbers that are too long
        raise UserError(f"{path} is damaged (not JSON); {remedy}") from error


def tensors_to_bytes(tensors: Mapping[str, Tensor], header: str = "") -> bytes:
    """Serialise as safetensors, with one header string, so that equal content gives equal bytes."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(plain, metadata={"ddbench": header} if header else None)


def digest(*parts: bytes | memoryview) -> str:
    """The SHA-256 of content in one or more parts, in hexadecimal."""
    made = hashlib.sha256()
    for part in parts:
        made.update(part)
    return made.hexdigest()


def checksum(value: Any) -> str:
    """`digest` of plain JSON types, independent of the order of keys."""
    return digest(json.dumps(value, sort_keys=True).encode())


def with_checksum(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table of plain JSON values with their checksum."""
    return {**table, CHECKSUM: checksum(table)}


def is_as_written(table: Any) -> bool:
    """Whether a value read from a file is a table that is unchanged since `with_checksum`.

    Tables of earlier versions have no checksum and count as unchanged.
    """
    if not isinstance(table, dict):
        return False
    told = {name: value for name, value in table.items() if name != CHECKSUM}
    return CHECKSUM not in table or bool(table[CHECKSUM] == checksum(told))


def digest_of_file(path: Path) -> str:
    """`digest` of a file's content, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_target(file: Path, remedy: str, source: Path | None = None) -> None:
    """Check that a file can be created or replaced, before any long work.

    Args:
        file: the file; its folder is created if missing.
        remedy: how to choose another file.
        source: the file that is read, which must not be replaced.

    Raises:
        UserError: one line naming the file and the reason.
    """
    if os.path.isdir(file):
        raise UserError(f"{file} is a folder, not a file; choose a file with {remedy}")
    is_there = source is not None and os.path.exists(file) and os.path.exists(source)
    if is_there and os.path.samefile(file, str(source)):
        raise UserError(f"{file} is the input file; choose another file with {remedy}")
    check_writable(file.absolute().parent, remedy, file.name)


def check_writable(
    folder: Path, remedy: str = "runs_root=FOLDER or DDBENCH_RUNS", name: str = ""
) -> None:
    """Check that files can be created in a folder, before any long work.

    Args:
        folder: the folder, created if missing.
        remedy: how to choose another folder.
        name: name of the file that will be created there, if known.

    Raises:
        UserError: one line naming the folder and the reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{name}-probe-{os.getpid()}"
        write_bytes(probe, b"probe")
        probe.unlink()
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        is_file = isinstance(error, FileExistsError)
        reason = "it is a file, not a folder" if is_file else getattr(error, "strerror", error)
        raise UserError(
            f"cannot write to {folder.absolute()}: {reason}; choose another folder with {remedy}"
        ) from error
