"""Plugins by name: methods, evaluators, datasets and models, in-tree and foreign.

An in-tree plugin is a file: `methods/apm.py` is the method `apm`, found without importing anything.
A foreign plugin is an entry point of an installed package. Either way the target is one class
derived from the registry's base class.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..errors import UserError, shown, unknown_name
from .source_code import PluginCode, code_digest, plugin_code

T = TypeVar("T")

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*")
"""The names that a plugin may have, which are valid in keys, folders and records alike."""
LONGEST_NAME = 60
WORDS = {"all", "null", "true", "false", "nan", "inf"}
"""Words with another meaning on the command line."""


@dataclass
class Registry(Generic[T]):
    """The plugins of one kind by name, loaded on demand.

    Args:
        noun: what one entry is called in messages, such as "method".
        package: the package whose files are the in-tree plugins, such as "ddbench.methods".
        base: where the base class is, as "module:Class"; imported only to load a plugin.
        entry_points: the group of entry points through which other packages add plugins.
    """

    noun: str
    package: str
    base: str
    entry_points: str
    problems: dict[str, str] = field(default_factory=dict)
    _added: dict[str, type[T]] = field(default_factory=dict)
    _digests: dict[type[T], str | None] = field(default_factory=dict)

    @cached_property
    def _files(self) -> dict[str, Path]:
        spec = importlib.util.find_spec(self.package)
        folders = list(spec.submodule_search_locations or []) if spec else []
        files = [file for folder in folders for file in Path(folder).glob("[a-z]*.py")]
        return {file.stem: file for file in sorted(files)}

    @cached_property
    def _foreign(self) -> dict[str, importlib.metadata.EntryPoint]:
        found: dict[str, importlib.metadata.EntryPoint] = {}
        for point in importlib.metadata.entry_points(group=self.entry_points):
            problem = name_problem(point.name)
            if point.name in self._files or point.name in found:
                problem = "the name is taken"
            if problem:
                named = f"the {self.noun} {shown(point.name)} of {point.value}"
                self.problems[point.name] = f"{named} is ignored: {problem}"
            else:
                found[point.name] = point
        return found

    def names(self) -> list[str]:
        """All names, sorted, whether or not they can be imported."""
        return sorted({*self._files, *self._foreign, *self._added})

    def foreign_names(self) -> list[str]:
        """Sorted names of plugins of other packages, whether or not they can be imported."""
        return sorted(self._foreign)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def check(self, name: str) -> None:
        """Raise a `UserError` with similar names if no plugin has this name."""
        if name not in self.names():
            if name in self.problems:
                raise UserError(self.problems[name])
            raise unknown_name(self.noun, name, self.names())

    def add(self, name: str, plugin: type[T]) -> None:
        """Register a class by hand, as a notebook or a test does.

        Raises:
            UserError: for a name that is taken or not allowed.
        """
        problem = name_problem(name)
        if problem:
            raise UserError(f"{self.noun} {shown(name)}: {problem}")
        if name in self.names():
            raise UserError(f"the {self.noun} {name!r} is registered already; choose another name")
        self._added[name] = plugin

    def __getitem__(self, name: str) -> type[T]:
        """The plugin class of this name.

        Raises:
            UserError: for an unknown name, or a foreign plugin that does not load.
        """
        self.check(name)
        if name in self._files:
            return self._class_in(importlib.import_module(f"{self.package}.{name}"))
        plugin = self._added[name] if name in self._added else self._load_foreign(name)
        if plugin not in self._digests:  # now, before its files can change
            self._digests[plugin] = self._digest_of(plugin, name)
        return plugin

    def code(self, name: str) -> PluginCode:
        """The origin and the digest of a plugin's code.

        Raises:
            UserError: as `[name]` does.
        """
        plugin = self[name]
        if plugin not in self._digests:
            self._digests[plugin] = self._digest_of(plugin, name)
        return plugin_code(
            self.noun, name, plugin.__module__, self._digests[plugin], self._distribution_of(name)
        )

    def code_identity(self, name: str) -> dict[str, Any]:
        """The digest of a plugin's code, for keys; empty for ddbench's own plugins.

        The keys of published results must not change when ddbench's code is merely reworded. Its
        own plugins raise their `version` instead, and results of older code are reported as such.
        """
        return {} if name in self._files else {"code": self.code(name).digest}

    def loadable(self) -> dict[str, type[T]]:
        """Every plugin that loads; a foreign one that does not is noted in `problems`."""
        loaded = {}
        for name in self.names():
            try:
                loaded[name] = self[name]
            except UserError as error:
                if name not in self._foreign:
                    raise
                self.problems[name] = str(error)
        return loaded

    def summary(self, name: str) -> str:
        """The first line of a plugin's documentation, read without importing anything."""
        if name in self._files:
            text = ast.get_docstring(ast.parse(self._files[name].read_text(encoding="utf-8")))
        elif name in self._foreign:
            text = f"from {self._foreign[name].value}"
        else:
            text = self[name].__doc__  # not inspect.getdoc, which takes the base class's
        return (text or "").strip().split("\n")[0]

    def _digest_of(self, plugin: type[T], name: str) -> str | None:
        module = plugin.__module__
        if name in self._files:
            return code_digest(module, [".".join(self.package.split(".")[:2])])
        own, distribution = {module.partition(".")[0]}, self._distribution_of(name)
        listed = distribution.read_text("top_level.txt") if distribution else None
        return code_digest(module, own | set((listed or "").split()))

    def _distribution_of(self, name: str) -> importlib.metadata.Distribution | None:
        if name in self._files:
            return _distribution("ddbench")
        return self._foreign[name].dist if name in self._foreign else None

    @cached_property
    def _base(self) -> type[T]:
        module, _, name = self.base.partition(":")
        base: type[T] = getattr(importlib.import_module(module), name)
        return base

    def _class_in(self, module: object) -> type[T]:
        """The one plugin class that a module defines itself (imported bases do not count)."""
        own = [
            member
            for member in vars(module).values()
            if inspect.isclass(member)
            and issubclass(member, self._base)
            and member.__module__ == module.__name__  # type: ignore[attr-defined]
            and not member.__name__.startswith("_")
        ]
        if len(own) != 1:
            raise TypeError(f"{module!r} must define one {self._base.__name__}, not {len(own)}")
        return own[0]

    def _load_foreign(self, name: str) -> type[T]:
        point = self._foreign[name]
        try:
            plugin = point.load()
        # A third-party module may fail in any way, and may even end the process.
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"the {self.noun} {name!r} ({point.value}) cannot be loaded: "
                f"{type(error).__name__}: {reason}"
            ) from error
        if not (inspect.isclass(plugin) and issubclass(plugin, self._base)):
            raise UserError(
                f"the {self.noun} {name!r} ({point.value}) is not a subclass of "
                f"{self._base.__name__}"
            )
        problem = self._settings_problem(plugin)
        if problem:
            raise UserError(f"the {self.noun} {name!r} ({point.value}) has {problem}")
        return plugin

    def _settings_problem(self, plugin: type[T]) -> str | None:
        """Why the class of a plugin's settings cannot be offered on the command line, or None."""
        base: Any = getattr(self._base, "Settings", None)
        if base is None:
            return None
        from .settings import schema_problem  # imports OmegaConf, which listing names does not need

        own: Any = getattr(plugin, "Settings", None)
        if not (inspect.isclass(own) and issubclass(own, base)):
            return f"Settings that are not a subclass of {base.__name__}"
        problem = schema_problem(own)  # type: ignore[arg-type]
        return problem and f"Settings that cannot be used: {problem}"


def name_problem(name: str) -> str | None:
    """Why a plugin cannot have this name, or None."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        return (
            "a name has letters, digits and single _ or - between them, begins with a letter, and "
            f"has at most {LONGEST_NAME} characters"
        )
    return f"{name} has another meaning on the command line" if name.lower() in WORDS else None


@cache
def _distribution(name: str) -> importlib.metadata.Distribution | None:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
