"""`ddbench list`: what there is, by name, without importing any of it."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from ..errors import UserError, unknown_name
from ..plugins import REGISTRIES

KINDS = (*REGISTRIES, "runs")


def list_names(arguments: Sequence[str]) -> int:
    """Print the names of one kind that match a pattern."""
    options = [word for word in arguments if "=" in word]
    words = [word for word in arguments if "=" not in word]
    if not 1 <= len(words) <= 2:
        raise UserError(f"list what? one of {', '.join(KINDS)}, and perhaps a pattern such as 'a*'")
    kind, pattern = words[0], words[1] if len(words) == 2 else "*"
    if kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    if kind == "runs":
        root = _runs_root(options)
        rows, place = _runs(pattern, root), f" in {root.absolute()}"
    elif options:
        raise UserError(
            f"{options[0]}: only `ddbench list runs` takes an option (runs_root=FOLDER)"
        )
    else:
        rows, place = _plugins(kind, pattern), ""
    print(tabulate(rows, tablefmt="plain") if rows else f"no {kind} match {pattern!r}{place}")
    return 0


def _plugins(kind: str, pattern: str) -> list[tuple[str, str]]:
    registry = REGISTRIES[kind]
    names = fnmatch.filter(registry.names(), pattern)
    return [(name, registry.summary(name)) for name in names]


def _runs_root(options: Sequence[str]) -> Path:
    from ..folders import runs_root

    for option in options:
        if not option.startswith("runs_root="):
            raise unknown_name("option", option.partition("=")[0], ["runs_root"])
    return runs_root(options[-1].partition("=")[2] if options else None)


def _runs(pattern: str, root: Path) -> list[tuple[str, str]]:
    folders = [f for f in sorted(root.glob("*")) if (f / "config.yaml").exists()]
    return [(f.name, _state(f)) for f in folders if fnmatch.fnmatch(f.name, pattern)]


def _state(folder: Path) -> str:
    if (folder / "record.json").exists():
        return "finished"
    if (folder / "failed.json").exists():
        return f"failed: see {folder / 'failed.json'}"
    log = folder / "log.txt"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return f"unfinished; {lines[-1]}" if lines else "unfinished"
