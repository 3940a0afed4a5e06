"""Files that are either there whole or not there: written to a temporary name, then renamed."""

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
"""The name under which a table holds one of itself."""


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file atomically; a crash at any instant leaves the old one or the new one."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that takes the place of another when the block ends, atomically."""
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
    """What `write_json` writes."""
    return f"{json_text(value)}\n".encode()


def json_text(value: Any) -> str:
    """JSON for people, with keys in the order given."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def read_json(path: Path, remedy: str = "remove it to make it again") -> Any:
    """Read JSON.

    Args:
        path: the file.
        remedy: what helps where it is not JSON; by default, of a file that ddbench made for itself.

    Raises:
        UserError: when the file cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, too
        raise UserError(f"{path} is damaged (not JSON); {remedy}") from error


def tensors_to_bytes(tensors: Mapping[str, Tensor], header: str = "") -> bytes:
    """Serialise as safetensors; one header string, so that equal content is equal bytes."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(plain, metadata={"ddbench": header} if header else None)


def digest(*parts: bytes | memoryview) -> str:
    """The hash that names content, in one or more parts: SHA-256, in hexadecimal."""
    made = hashlib.sha256()
    for part in parts:
        made.update(part)
    return made.hexdigest()


def checksum(value: Any) -> str:
    """`digest` of plain JSON types, whatever the order of keys."""
    return digest(json.dumps(value, sort_keys=True).encode())


def with_checksum(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table of plain JSON values, and a checksum of them all."""
    return {**table, CHECKSUM: checksum(table)}


def is_as_written(table: Any) -> bool:
    """Whether what was read is a table that has not changed since `with_checksum`.

    Tables of earlier versions have no checksum, and count as unchanged.
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
    """Make sure that a file can be made or replaced, before any long work.

    Args:
        file: its folder is made when missing.
        remedy: how another file is chosen.
        source: what is read, which must stay.

    Raises:
        UserError: one line naming the file and the reason.
    """
    if os.path.isdir(file):
        raise UserError(f"{file} is a folder, not a file; choose a file with {remedy}")
    is_there = source is not None and os.path.exists(file) and os.path.exists(source)
    if is_there and os.path.samefile(file, str(source)):
        raise UserError(f"{file} is what is read, and stays; choose another file with {remedy}")
    check_writable(file.absolute().parent, remedy, file.name)


def check_writable(
    folder: Path, remedy: str = "runs_root=FOLDER or DDBENCH_RUNS", name: str = ""
) -> None:
    """Make sure that files can be made in a folder, before any long work.

    Args:
        folder: made when missing.
        remedy: how another folder is chosen.
        name: of a file that is to be made there, where that is known.

    Raises:
        UserError: one line naming the folder and the reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{name}-probe-{os.getpid()}"
        write_bytes(probe, b"probe")
        probe.unlink()
    except (OSError, ValueError) as error:  # a name with the sign of number 0
        is_file = isinstance(error, FileExistsError)
        reason = "it is a file, not a folder" if is_file else getattr(error, "strerror", error)
        raise UserError(
            f"cannot write to {folder.absolute()}: {reason}; choose another folder with {remedy}"
        ) from error
