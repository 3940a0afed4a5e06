"""The origin of a plugin's code, and its digest.

The digest covers the module of the plugin's class and the modules of the same package that it
imports, directly or indirectly. Comments, docstrings and layout do not count, so that documenting a
plugin changes no key. Files that the code reads at run time and other packages are not covered: for
changes in those a plugin raises its `version`.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .revision import file_revision

EXTENSIONS = (".so", ".pyd")
"""Suffixes of compiled modules, whose bytes are hashed."""


@dataclass(frozen=True)
class PluginCode:
    """The origin and the digest of a plugin's code.

    Args:
        kind: the kind of plugin, such as "method".
        name: the plugin's name.
        package: the installed distribution that provides it; None for a class added by hand.
        version: the distribution's version.
        commit: the git commit of its source, if known.
        modified: whether the source differs from the commit; None if unknown.
        digest: the digest of its code, in hexadecimal; None if no file holds it, as in a notebook.
    """

    kind: str
    name: str
    package: str | None
    version: str | None
    commit: str | None
    modified: bool | None
    digest: str | None

    @property
    def label(self) -> str:
        """Kind and name."""
        return f"{self.kind} {self.name}"

    def plain(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


@cache
def plugin_code(
    kind: str,
    name: str,
    module: str,
    digest: str | None,
    distribution: importlib.metadata.Distribution | None,
) -> PluginCode:
    """The record of a plugin's code.

    Args:
        kind: the kind of plugin.
        name: the plugin's name.
        module: the dotted name of its class's module.
        digest: the digest of its code, from `code_digest`.
        distribution: the distribution that provides it, if any.
    """
    commit, modified = file_revision(getattr(sys.modules.get(module), "__file__", None))
    if distribution is not None and commit is None:
        commit = _installed_commit(distribution)
    return PluginCode(
        kind,
        name,
        None if distribution is None else distribution.metadata["Name"],
        None if distribution is None else distribution.version,
        commit,
        modified,
        digest,
    )


def outdated(
    noted: Iterable[Mapping[str, Any]], now: Iterable[PluginCode], unknown: bool = False
) -> list[str]:
    """The labels of plugins whose code has changed.

    Args:
        noted: `PluginCode.plain` of the code that made something.
        now: the code that would make it now.
        unknown: whether a plugin whose code was not noted then counts as changed.
    """
    before = {f"{one['kind']} {one['name']}": one["digest"] for one in noted}
    return [
        one.label
        for one in now
        if (one.label in before or unknown)
        and (one.digest is None or before.get(one.label) != one.digest)
    ]


def code_digest(module: str, packages: Collection[str]) -> str | None:
    """The digest of a module and of what it imports from some packages; None if it has no file.

    Args:
        module: an imported module, by its dotted name.
        packages: the packages or modules to follow imports into; others are ignored.
    """
    if _file_of(module) is None:
        return None
    said: dict[str, str] = {}
    waiting = {module}
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if path is not None:
            data = path.read_bytes()
            tree = None if path.suffix in EXTENSIONS else _tree(data)
            said[name] = hashlib.sha256(_said(tree, data)).hexdigest()
            imported = _imports(name, tree, path) if tree else ()
            waiting |= {one for one in imported if _lies_in(one, packages)} - said.keys()
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _lies_in(module: str, packages: Collection[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _file_of(module: str) -> Path | None:
    """The file of a module, found without importing it; None if there is none."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded is not None:
        return Path(loaded) if Path(loaded).is_file() else None
    parent, _, last = module.rpartition(".")
    for folder in _folders_of(parent) if parent else ():
        for file in (folder / last / "__init__.py", folder / f"{last}.py"):
            if file.is_file():
                return file
        for file in sorted(folder.glob(f"{last}.*")):
            if file.suffix in EXTENSIONS:
                return file
    return None


def _folders_of(package: str) -> list[Path]:
    loaded = sys.modules.get(package)
    if loaded is not None:
        return [Path(folder) for folder in getattr(loaded, "__path__", ())]
    file = _file_of(package)
    return [file.parent] if file is not None and file.stem == "__init__" else []


def _tree(data: bytes) -> ast.Module | None:
    try:
        return ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):  # perhaps it is never imported
        return None


def _said(tree: ast.Module | None, data: bytes) -> bytes:
    """What is hashed of a file: its syntax tree, or its bytes if that cannot be serialised."""
    try:
        return data if tree is None else json.dumps(_plain(tree)).encode()
    except (ValueError, RecursionError):  # from a number or an expression of absurd size
        return data


def _plain(node: Any) -> Any:
    """A syntax tree without positions, docstrings and empty fields.

    Python versions differ in the empty fields that they know, and in nothing else here.
    """
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        return [type(node).__name__, *([name, _plain(value)] for name, value in fields)]
    if isinstance(node, list):
        return [_plain(one) for one in node if not _is_documentation(one)]
    return f"{type(node).__name__} {node!a}"


def _is_documentation(node: Any) -> bool:
    """Whether a statement is a bare string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _imports(module: str, tree: ast.Module, path: Path) -> Iterator[str]:
    """The dotted names that a module may import, with the packages that contain them."""
    parts = module.split(".")
    package = parts if path.stem == "__init__" else parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            climbed = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*climbed, *([node.module] if node.module else [])])
            for alias in node.names:  # of a package, each may be a module
                yield from _with_parents(f"{base}.{alias.name}")


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def _installed_commit(distribution: importlib.metadata.Distribution) -> str | None:
    """The commit that a distribution was installed from, where pip noted one."""
    try:
        noted = json.loads(distribution.read_text("direct_url.json") or "{}")
        commit = noted["vcs_info"]["commit_id"]
    except (ValueError, KeyError, TypeError, OSError):
        return None
    return commit if isinstance(commit, str) else None
