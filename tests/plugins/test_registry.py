"""Plugins by name: found without importing, similar names, broken foreign ones are skipped."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from dataclasses import dataclass

import pytest

from ddbench import Method, MethodSettings, setting
from ddbench.distilling.registry import METHODS
from ddbench.errors import UserError
from ddbench.plugins.registry import LONGEST_NAME, Registry
from ddbench.records.fields import NAME as RECORD_NAME

BASE = '''
class Plant:
    """What grows."""
'''
ROSE = '''"""Roses: they have thorns.

More about them.
"""
from garden.plant import Plant
from garden.beds.lily import Lily


class _Helper(Plant): ...


class Rose(Plant): ...
'''
LILY = '''"""Lilies."""
from garden.plant import Plant


class Lily(Plant): ...
'''


@pytest.fixture
def garden(tmp_path, monkeypatch):
    """A package `garden` with plugins in `garden.beds`, and what is installed beside it."""
    beds = tmp_path / "garden" / "beds"
    beds.mkdir(parents=True)
    for file, text in {
        "garden/__init__.py": "",
        "garden/plant.py": BASE,
        "garden/beds/__init__.py": "",
        "garden/beds/rose.py": ROSE,
        "garden/beds/lily.py": LILY,
        "garden/beds/_soil.py": "raise RuntimeError('not a plugin')",
        "foreign_tulip.py": LILY.replace("Lily", "Tulip").replace("Lilies", "Tulips"),
        "foreign_broken.py": "import no_such_module_anywhere",
        "foreign_rude.py": "raise SystemError('two\\nlines')",
        "foreign_exit.py": "raise SystemExit(3)",
        "foreign_interrupt.py": "raise KeyboardInterrupt",
        "foreign_stone.py": "Stone = int",
    }.items():
        (tmp_path / file).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [n for n in sys.modules if n.partition(".")[0] in ("garden", "foreign_tulip")]:
        del sys.modules[name]


@pytest.fixture
def plants(garden, monkeypatch):
    """A registry of plants; foreign ones are given as {name: target}."""

    def make(**foreign):
        points = [
            importlib.metadata.EntryPoint(name, target, "plants")
            for name, target in foreign.items()
        ]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
        return Registry("plant", "garden.beds", "garden.plant:Plant", "plants")

    return make


def test_in_tree_plugins_are_found_and_described_without_importing_them(plants):
    registry = plants()
    assert registry.names() == ["lily", "rose"]
    assert "rose" in registry
    assert registry.summary("rose") == "Roses: they have thorns."
    assert not {"garden.beds.rose", "garden.beds.lily", "garden.plant"} & set(sys.modules)


def test_a_name_gives_the_one_class_that_its_file_defines(plants):
    assert plants()["rose"].__name__ == "Rose"


def test_a_file_without_a_plugin_is_a_fault_of_the_program(plants, garden):
    (garden / "garden" / "beds" / "weed.py").write_text('"""Nothing."""\n')
    with pytest.raises(TypeError, match="must define one Plant, not 0"):
        plants()["weed"]


def test_an_unknown_name_is_refused_with_a_near_one(plants):
    with pytest.raises(UserError, match=r"unknown plant 'rsoe': did you mean rose\?"):
        plants()["rsoe"]


def test_a_name_far_from_all_is_refused_with_all_of_them(plants):
    with pytest.raises(UserError, match="unknown plant 'xyz': known: lily, rose"):
        plants().check("xyz")


def test_a_foreign_plugin_is_one_like_the_others(plants):
    registry = plants(tulip="foreign_tulip:Tulip")
    assert registry.names() == ["lily", "rose", "tulip"]
    assert registry.foreign_names() == ["tulip"]
    assert registry.summary("tulip") == "from foreign_tulip:Tulip"
    assert "foreign_tulip" not in sys.modules
    assert registry["tulip"].__name__ == "Tulip"
    assert registry.problems == {}


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("foreign_broken:Broken", "no_such_module_anywhere"),
        ("foreign_rude:Rude", "SystemError: two lines"),
        ("foreign_exit:Exit", "SystemExit: 3"),
        ("foreign_interrupt:Interrupt", "KeyboardInterrupt"),
        ("foreign_tulip:Daffodil", "AttributeError"),
        ("no_such_package:Plant", "ModuleNotFoundError"),
        ("foreign_stone:Stone", "is not a subclass of Plant"),
    ],
)
def test_a_foreign_plugin_that_does_not_load_is_reported_and_passed_over(target, told, plants):
    registry = plants(strange=target)
    assert sorted(registry.loadable()) == ["lily", "rose"]
    (problem,) = registry.problems.values()
    assert told in problem
    assert target in problem
    assert "\n" not in problem
    with pytest.raises(UserError, match="'strange'"):
        registry["strange"]


def test_a_foreign_plugin_with_a_taken_name_is_reported_and_passed_over(plants):
    registry = plants(rose="foreign_tulip:Tulip")
    assert registry["rose"].__name__ == "Rose"
    assert "the name is taken" in registry.problems["rose"]


NAMES = ["a b", "é", "a.b", "a/b", "-a", "1a", "a__b", "All", "null", "a" * 61]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_a_record_or_a_command_cannot_carry_is_refused(name, plants):
    registry = plants(**{name: "foreign_tulip:Tulip"})
    assert registry.names() == ["lily", "rose"]
    assert "is ignored: " in registry.problems[name]
    with pytest.raises(UserError, match="is ignored"):
        registry[name]
    with pytest.raises(UserError, match=r"a name has letters|another meaning on the command line"):
        registry.add(name, registry["lily"])


@pytest.mark.parametrize("name", ["a", "my_method", "my-method2", "A1", "a" * LONGEST_NAME])
def test_a_name_that_is_taken_fits_a_record(name, plants):
    registry = plants(**{name: "foreign_tulip:Tulip"})
    assert name in registry
    assert re.fullmatch(RECORD_NAME, name)


def test_a_second_registration_of_a_name_is_refused(plants):
    registry = plants(tulip="foreign_tulip:Tulip")
    lily = registry["lily"]
    registry.add("daisy", lily)
    assert registry["daisy"] is lily
    assert registry.summary("daisy") == ""
    for taken in ("daisy", "rose", "tulip"):
        with pytest.raises(UserError, match=f"{taken!r} is registered already"):
            registry.add(taken, lily)


@dataclass
class Untyped(MethodSettings):
    size: object = setting(1, "of the plant")


class Undecorated(MethodSettings):
    size: int = setting(1, "of the plant")


@dataclass
class Mistyped(MethodSettings):
    size: int = setting("large", "of the plant")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (int, "Settings that are not a subclass of MethodSettings"),
        (Untyped, "Settings that cannot be used: size: Unexpected type annotation: object"),
        (
            Undecorated,
            "Settings that cannot be used: size is not a field; the class lacks @dataclass",
        ),
        (Mistyped, "Settings that cannot be used: size: Value 'large' of type 'str'"),
    ],
)
def test_a_foreign_plugin_whose_settings_are_none_is_reported(settings, told, monkeypatch):
    """Such a plugin would stop every command that composes a configuration."""
    plugin = type("Weed", (Method,), {"Settings": settings})
    point = importlib.metadata.EntryPoint("weed", "weed:Weed", "ddbench.methods")
    monkeypatch.setattr(importlib.metadata.EntryPoint, "load", lambda self: plugin)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    registry = Registry(METHODS.noun, METHODS.package, METHODS.base, METHODS.entry_points)
    with pytest.raises(UserError) as error:
        registry["weed"]
    assert told in str(error.value)
    assert "\n" not in str(error.value)
