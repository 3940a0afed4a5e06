"""Artefacts: teachers, input spaces, distilled sets and scores, made once and found again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ..errors import UserError
from .files import (
    CHECKSUM,
    check_writable,
    checksum,
    digest,
    digest_of_file,
    read_json,
    tensors_to_bytes,
    write_bytes,
    write_json,
)

if TYPE_CHECKING:
    from torch import Tensor


TOLD = {"sha256": str | None, "facts": dict, "made_from": dict}
"""The entries of a manifest and their types."""


def key_of(identity: Mapping[str, Any]) -> str:
    """24 hexadecimal digits of the hash of a tree of plain JSON values."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return digest(text.encode())[:24]


def remove_leftovers(folder: Path, stem: str = "") -> None:
    """Remove half-written files of a killed process; the caller holds the lock.

    Args:
        folder: folder of the files.
        stem: beginning of their names.
    """
    for leftover in folder.glob(f".{stem}*.*"):
        leftover.unlink(missing_ok=True)


@dataclass(frozen=True)
class Artefact:
    """One product in the store.

    Args:
        kind: such as "network".
        key: the hash of its identity.
        path: the safetensors file of its tensors; None if it has none.
        sha256: SHA-256 of that file; None if it has none.
        facts: results of making it (accuracy, seconds, bytes), never part of the key.
        identity: everything that determines it.
    """

    kind: str
    key: str
    path: Path | None
    sha256: str | None
    facts: dict[str, Any]
    identity: dict[str, Any]


class Store:
    """A folder of artefacts, which several processes and machines may share.

    Args:
        root: the folder, created if missing. An existing folder may be read-only; its artefacts
            can still be found.

    Raises:
        UserError: if the folder cannot be created.
    """

    def __init__(self, root: Path) -> None:
        if not os.path.isdir(root):  # Path.is_dir raises for a name that is too long
            check_writable(root)
        self.root = root

    def find(self, kind: str, identity: Mapping[str, Any]) -> Artefact | None:
        """The artefact with this identity, or None."""
        return self.by_key(kind, key_of(identity))

    def by_key(self, kind: str, key: str) -> Artefact | None:
        """The artefact with this key, or None."""
        manifest = self._manifest(kind, key)
        if not manifest.exists():
            return None
        entry = read_json(manifest)
        if not _is_as_written(entry, kind, key):
            raise UserError(f"{manifest} is damaged; remove it to make it again")
        path = manifest.with_suffix(".safetensors") if entry["sha256"] else None
        return Artefact(kind, key, path, entry["sha256"], entry["facts"], entry["made_from"])

    def save(
        self,
        kind: str,
        identity: Mapping[str, Any],
        facts: dict[str, Any],
        tensors: Mapping[str, Tensor] | bytes | None = None,
    ) -> Artefact:
        """Store a product; its manifest is written last, so an incomplete one is never found.

        Args:
            kind: kind of artefact.
            identity: everything that determines its numbers, in plain JSON types.
            facts: other facts about it.
            tensors: tensors by name, or the content of a safetensors file.
        """
        manifest = self._manifest(kind, key_of(identity))
        sha256 = None
        if tensors is not None:
            data = tensors if isinstance(tensors, bytes) else tensors_to_bytes(tensors)
            write_bytes(manifest.with_suffix(".safetensors"), data)
            sha256 = digest(data)
            facts = {**facts, "bytes": len(data)}
        entry = {"sha256": sha256, "facts": facts, "made_from": dict(identity)}
        write_json(manifest, {**entry, CHECKSUM: _checksum(entry, kind)})
        found = self.find(kind, identity)
        assert found is not None
        return found

    def file(self, artefact: Artefact) -> Path:
        """The tensor file of an artefact, checked against its checksum.

        Raises:
            UserError: if it is missing or damaged.
        """
        manifest = self._manifest(artefact.kind, artefact.key)
        path = artefact.path
        assert path is not None
        if not path.exists():
            raise UserError(f"{path} is missing; remove {manifest.name} beside it to make it again")
        if digest_of_file(path) != artefact.sha256:
            raise UserError(
                f"{path} is damaged (its checksum differs); "
                f"remove it and {manifest.name} beside it to make it again"
            )
        return path

    def tensors(self, artefact: Artefact) -> dict[str, Tensor]:
        """The tensors of an artefact, on the CPU."""
        from safetensors.torch import load_file

        return load_file(self.file(artefact))

    def checkpoint(self, kind: str, identity: Mapping[str, Any]) -> Path:
        """The file of an artefact's unfinished state while it is made."""
        return self._manifest(kind, key_of(identity)).with_suffix(".checkpoint")

    def try_lock(self, kind: str, identity: Mapping[str, Any]) -> FileLock | None:
        """Acquire an artefact's lock, or return None if it is held; release it when done."""
        path = self._manifest(kind, key_of(identity)).with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock

    def _manifest(self, kind: str, key: str) -> Path:
        return self.root / "artefacts" / kind / f"{key}.json"


def _checksum(entry: Mapping[str, Any], kind: str) -> str:
    """The checksum of a manifest's entries and its kind of artefact."""
    return checksum([kind, {name: entry[name] for name in TOLD}])


def _is_as_written(entry: Any, kind: str, key: str) -> bool:
    """Whether a manifest is stored under its own key and unchanged since it was written."""
    # Names must match exactly: a misnamed checksum is damage, not a manifest without a checksum.
    if not isinstance(entry, dict) or entry.keys() - {CHECKSUM} != TOLD.keys():
        return False
    if not all(isinstance(entry[name], kinds) for name, kinds in TOLD.items()):
        return False
    # Manifests of earlier versions have no checksum.
    told = entry.get(CHECKSUM, _checksum(entry, kind))
    return key_of(entry["made_from"]) == key and told == _checksum(entry, kind)
