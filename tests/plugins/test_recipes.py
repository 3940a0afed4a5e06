"""Recipes: each entry is right, and the layers are in order."""

from __future__ import annotations

import dataclasses
import re

import pytest

from ddbench.data.input_space import input_space_definition
from ddbench.data.registry import DATASETS
from ddbench.distilling.registry import METHODS
from ddbench.errors import UserError
from ddbench.plugins import recipes
from ddbench.plugins.presets import preset_names
from ddbench.plugins.recipes import Entry, entries_in, layers, recipe_entries
from ddbench.plugins.settings import typed_settings


@pytest.fixture
def entries(monkeypatch):
    """Let a method `example` have these entries."""

    def give(*made):
        monkeypatch.setattr(recipes, "recipe_entries", lambda method: made)

    return give


def sources(*task):
    return [layer.entry.source for layer in layers("example", *task)]


def test_every_recipe_belongs_to_a_method():
    assert set(preset_names("recipes")) <= set(METHODS.names())


@pytest.mark.parametrize("name", METHODS.names())
def test_entries_name_settings_that_exist_in_range_and_their_source(name):
    settings_type = METHODS[name].Settings
    for entry in recipe_entries(name):
        assert entry.source.strip()
        assert entry.budget in preset_names("budget")
        assert entry.ipc is None or entry.ipc >= 1
        if entry.input_space:
            input_space_definition(entry.input_space)
        where = f"{name}, {entry.source}"
        known = {item.name for item in dataclasses.fields(settings_type)}
        assert set(entry.settings) <= known, where
        # Some settings bound others, so each entry is laid over the others of its task.
        below = layers(name, entry.budget, entry.dataset or "nowhere", entry.ipc or 1)
        merged = {k: v for layer in below for k, v in layer.entry.settings.items()}
        typed_settings(settings_type, {**merged, **entry.settings}, where)


@pytest.mark.parametrize("name", METHODS.names())
def test_datasets_of_recipes_exist_or_are_ahead_of_us(name):
    """A recipe may name a dataset that does not exist yet, but not misspell one that does."""
    for entry in recipe_entries(name):
        if entry.dataset is not None and entry.dataset not in DATASETS:
            near = [known for known in DATASETS.names() if known.replace("_", "") == entry.dataset]
            assert near == []


@pytest.mark.parametrize("name", METHODS.names())
def test_one_dataset_ipc_and_budget_gives_each_setting_once(name):
    """Entries for one case may differ in their source, but each setting is given only once."""
    said = [
        (e.budget, e.dataset, e.ipc, setting)
        for e in recipe_entries(name)
        for setting in [*e.settings, *(["input_space"] if e.input_space else [])]
    ]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("name", METHODS.names())
def test_a_choice_of_ones_own_says_so(name):
    """Only entries for the budget paper mark values that stand in for unpublished ones."""
    for entry in recipe_entries(name):
        if entry.budget != "paper":
            assert not entry.own_choice
        elif entry.source.startswith(("own ", "as ")):
            assert entry.own_choice, entry.source


TITLES = {"CIFAR-100": "cifar100", "CIFAR-10": "cifar10", "Tiny ImageNet": "tinyimagenet",
          "ImageNet64": "imagenet64", "ImageNet-1K": "imagenet64", "MNIST": "mnist",
          "Fashion-MNIST": "fashion_mnist", "digits": "digits", "mnist5k": "mnist5k"}  # fmt: skip
PLACE = re.compile(
    rf"\b(?P<title>{'|'.join(sorted(TITLES, key=len, reverse=True))})\b"
    r"(?:,? ipc (?P<ipcs>\d+(?:(?:, | and | to )\d+)*))?"
)


def named(source):
    """The dataset and the ipc that a source names: each one, or the first and the last."""
    found = PLACE.search(source)
    if found is None:
        return None, None
    if found["ipcs"] is None:
        return TITLES[found["title"]], None
    numbers = [int(number) for number in re.findall(r"\d+", found["ipcs"])]
    known = range(numbers[0], numbers[-1] + 1) if " to " in found["ipcs"] else numbers
    return TITLES[found["title"]], known


@pytest.mark.parametrize("name", METHODS.names())
def test_a_source_that_names_a_row_is_of_the_entry_for_it(name):
    """A value from a row of another dataset or ipc is not a published value for the entry."""
    for entry in recipe_entries(name):
        dataset, ipcs = named(entry.source)
        if dataset is None or entry.own_choice or (entry.budget != "paper" and not entry.dataset):
            continue
        assert entry.dataset == dataset, entry.source
        if ipcs is not None:
            assert entry.ipc in ipcs, entry.source


@pytest.mark.parametrize("name", METHODS.names())
def test_values_that_are_the_same_in_all_rows_vary_in_none(name):
    paper = [e for e in recipe_entries(name) if e.budget == "paper"]
    for entry in paper:
        if "the same in all rows" in entry.source:
            others = {setting for e in paper if e is not entry for setting in e.settings}
            assert not others & entry.settings.keys()


def test_rows_and_ipc_are_found_in_sources():
    assert named("a table, CIFAR-100 ipc 1, 10 and 50") == ("cifar100", [1, 10, 50])
    assert named("a table, CIFAR-10 ipc 100 to 1250") == ("cifar10", range(100, 1251))
    assert named("its README, Tiny ImageNet") == ("tinyimagenet", None)
    assert named("its defaults") == (None, None)


def test_digit_datasets_are_not_flipped_where_that_was_published():
    found = {e.dataset: e.settings for e in recipe_entries("dsa") if e.dataset in ("mnist", "svhn")}
    without_flip = {"operations": ["color", "crop", "cutout", "scale", "rotate"]}
    assert found == {"mnist": without_flip, "svhn": without_flip}


def test_cifar100_is_normalised_as_in_the_command_of_mtt():
    (entry,) = [e for e in recipe_entries("mtt") if (e.dataset, e.ipc) == ("cifar100", 10)]
    definition = input_space_definition(entry.input_space)
    assert (definition["mean"], definition["std"]) == (
        [0.4914, 0.4822, 0.4465],
        [0.2023, 0.1994, 0.2010],
    )


def test_the_particular_lies_over_the_general(entries):
    entries(
        Entry("ipc", dataset="digits", ipc=1),
        Entry("dataset", dataset="digits"),
        Entry("ipc anywhere", ipc=1),
        Entry("all"),
        Entry("other dataset", dataset="mnist5k"),
        Entry("other budget", budget="short"),
    )
    assert sources("paper", "digits", 1) == ["all", "dataset", "ipc anywhere", "ipc"]
    assert sources("short", "digits", 1) == ["other budget"]
    assert sources("smoke", "digits", 1) == []


@pytest.mark.parametrize(
    ("ipc", "taken"), [(1, 1), (2, 1), (3, 1), (4, 10), (10, 10), (20, 10), (30, 50), (500, 50)]
)
def test_the_nearest_ipc_in_ratio_stands_in_and_says_so(ipc, taken, entries):
    entries(*(Entry(f"ipc {known}", dataset="digits", ipc=known) for known in (50, 1, 10)))
    (layer,) = layers("example", "paper", "digits", ipc)
    assert layer.entry.ipc == taken
    if ipc == taken:
        assert layer.note is None
    else:
        assert layer.note == (
            f"no paper recipe of example for digits ipc {ipc}: taking that of ipc {taken}"
        )


def test_an_ipc_without_a_dataset_stands_in_for_every_dataset(entries):
    entries(Entry("ipc 1", ipc=1), Entry("ipc 50", ipc=50))
    (layer,) = layers("example", "paper", "digits", 2)
    assert layer.entry.source == "ipc 1"
    assert layer.note == "no paper recipe of example ipc 2: taking that of ipc 1"


def test_a_recipe_with_an_unknown_key_is_refused_by_its_name(monkeypatch):
    monkeypatch.setattr(recipes, "preset", lambda group, name: [{"source": "x", "iqc": 1}])
    entries_in.cache_clear()
    with pytest.raises(UserError, match=r"recipe example\.yaml.*iqc"):
        recipe_entries("example")
    entries_in.cache_clear()
