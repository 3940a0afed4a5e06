"""Settings: typed fields with ranges, checked when constructed."""

from __future__ import annotations

import dataclasses
import enum
import math
from dataclasses import dataclass

import pytest
from omegaconf import OmegaConf

from ddbench.errors import UserError
from ddbench.plugins.settings import (
    Settings,
    given_values,
    range_problem,
    schema,
    setting,
    typed_settings,
)
from ddbench.runs.registries import REGISTRIES


class Taste(enum.Enum):
    sweet = 1
    sour = 2


@dataclass
class Example(Settings):
    count: int = setting(3, "how many", low=1, high=9)
    rate: float = setting(0.5, "how fast", above=0)
    taste: Taste = setting(Taste.sweet, "of what kind")
    name: str | None = setting(None, "what it is called")
    eager: bool = setting(False, "whether at once")


def test_values_in_range_are_kept():
    made = Example(count=9, rate=1e-9, taste=Taste.sour, name="x", eager=True)
    assert made.plain() == {
        "count": 9,
        "rate": 1e-9,
        "taste": "sour",
        "name": "x",
        "eager": True,
    }


def test_a_setting_that_came_later_is_named_only_where_it_is_not_the_default():
    @dataclass
    class Later(Settings):
        count: int = setting(3, "how many")
        kinds: list[str] = setting(["a"], "which", left_out_at_default=True)

    assert Later().plain() == {"count": 3}
    assert Later().shown() == {"count": 3, "kinds": ["a"]}
    assert Later(kinds=["b"]).plain() == {"count": 3, "kinds": ["b"]}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"count": 0}, "count=0: must be at least 1"),
        ({"count": 10}, "count=10: must be at most 9"),
        ({"rate": 0.0}, "rate=0.0: must be above 0"),
        ({"rate": -1.0}, "rate=-1.0: must be above 0"),
        ({"rate": math.nan}, "rate=nan: must be a finite number"),
        ({"rate": math.inf}, "rate=inf: must be a finite number"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(changes, told):
    with pytest.raises(UserError) as caught:
        Example(**changes)
    assert str(caught.value) == told


@pytest.mark.parametrize("value", ["text", None, True, Taste.sour])
def test_only_numbers_have_ranges(value):
    assert range_problem(value, low=5) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"cuont": 1}, "unknown setting of a thing 'cuont': did you mean count"),
        ({"count": "many"}, "a thing: count: "),
        ({"count": 1.5}, "a thing: count: "),
        ({"count": 0}, "a thing: count=0: must be at least 1"),
        ({"taste": "bitter"}, "sweet, sour"),
        ({"eager": "perhaps"}, "a thing: eager: "),
        ({"rate": None}, "a thing: rate: "),
    ],
)
def test_plain_values_that_are_not_right_are_one_line(given, told):
    with pytest.raises(UserError) as caught:
        typed_settings(Example, given, "a thing")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_plain_values_become_typed():
    made = typed_settings(Example, {"rate": 2, "taste": "sour", "eager": "yes"}, "a thing")
    assert (made.rate, made.taste, made.eager) == (2.0, Taste.sour, True)
    assert isinstance(made.rate, float)


def test_in_the_schema_every_value_is_missing_so_that_what_is_there_was_given():
    node = schema(Example)
    assert given_values(node, "a thing") == {}
    node.rate = 7
    assert given_values(node, "a thing") == {"rate": 7.0}


@pytest.mark.parametrize("node", [3, "x", None, [1]], ids=str)
def test_one_value_where_settings_belong_is_refused(node):
    with pytest.raises(UserError, match="a thing: its settings are given by name"):
        given_values(OmegaConf.create({"thing": node}).thing, "a thing")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind, registry in REGISTRIES.items()
        if kind not in ("importers", "exporters", "trackers")  # which have no settings
        for name in registry.names()
    ],
)
def test_settings_of_a_plugin_are_in_range_by_default_and_say_what_they_mean(kind, name):
    settings_type = REGISTRIES[kind][name].Settings
    settings_type()
    for item in dataclasses.fields(settings_type):
        assert item.metadata["help"]
        assert item.metadata["scaled"] in (None, "distilling", "teachers")
    assert given_values(schema(settings_type), "a thing") == {}


def test_a_list_belongs_to_one_instance_and_is_typed():
    @dataclass
    class Listed(Settings):
        names: list[str] = setting(["a", "b"], "which")

    first = Listed()
    first.names.append("c")
    assert Listed().plain() == {"names": ["a", "b"]}
    assert typed_settings(Listed, {"names": ["d"]}, "it").names == ["d"]
