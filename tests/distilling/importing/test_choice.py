"""What must be stated, what families state, and how mistakes are reported."""

from __future__ import annotations

import pytest

from ddbench.data.input_space import input_space_definition
from ddbench.distilling.importing.choice import (
    GROUP,
    OPTIONS,
    POSSIBLE,
    ImportChoice,
    choice_from_text,
    family,
)
from ddbench.errors import UserError
from ddbench.plugins.presets import first_comment, preset_names
from ddbench.runtime.randomness import RandomStream
from ddbench.training.recipe import TrainingRecipe


def test_every_option_says_what_it_may_be():
    assert set(POSSIBLE) == set(OPTIONS)


@pytest.mark.parametrize("name", preset_names(GROUP))
@pytest.mark.parametrize("dataset", [None, "cifar10", "tinyimagenet", "mnist"])
def test_a_family_says_only_what_can_be_and_where_it_is_from(name, dataset):
    known = family(name, dataset)
    said = {option for option, value in vars(known.facts).items() if value is not None}
    assert said <= known.sources.keys()
    assert all(known.sources.values())
    assert set(known.asks) <= set(OPTIONS)
    assert first_comment(GROUP, name)
    for space in (known.facts.input_space, known.facts.students_see):
        if space not in (None, "pixels", "pixels255"):
            input_space_definition(space)
    for images in known.by_images or [10]:
        plain = known.evaluation_of(images)
        assert (plain is None) == (known.evaluation is None)
        if plain is not None:
            assert TrainingRecipe.from_plain(plain)
    if known.student:
        assert known.student.build(3, 32, 10, RandomStream(0))


def test_a_familys_evaluation_may_depend_on_dataset_and_number_of_images():
    frepo = family("frepo", "cifar10")
    assert [frepo.evaluation_of(n)["epochs"] for n in (10, 200)] == [1000, 20000]
    assert frepo.evaluation_of(30) is None  # its code knows no number of steps
    assert frepo.evaluation_of(10)["augmentation"] == "gentle"
    assert family("frepo", "mnist").evaluation_of(10)["augmentation"] == "gentle_upright"
    assert family("idc", "cifar10").evaluation_of(30)["batch_size"] == 64
    assert family("idc", "cifar100").evaluation_of(30) is None


def test_a_familys_facts_may_depend_on_the_dataset():
    assert family("dc", "cifar10").facts.input_space == "normalised"
    assert family("dc", "mnist").facts.input_space == "normalised:mnist"


def test_what_a_person_says_goes_over_what_the_family_says():
    known = ImportChoice(which="0").over(family("dc", "cifar10").facts)
    assert (known.which, known.layout) == ("0", "NCHW")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"layout": "NWHC"}, "NCHW or NHWC"),
        ({"label_kind": "votes"}, "logits or probabilities or targets"),
        ({"ids": "guess"}, "argmax or blocks"),
        ({"which": "first"}, "counted from 0, or last"),
        ({"tiles": "two"}, "decoder's factor"),
        ({"tiles": "0"}, "1 to 16"),
        ({"learned_rate": "fast"}, "such as 0.02"),
        ({"input_space": "unknown"}, "ddbench inspect"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_those_that_can(options, told):
    with pytest.raises(UserError, match=rf"\A[^\n]*{told}[^\n]*\Z"):
        choice_from_text(options)


def test_an_unknown_family_is_answered_with_near_ones():
    with pytest.raises(UserError, match="did you mean"):
        family("dat")
