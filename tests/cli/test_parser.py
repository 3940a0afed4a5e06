"""Options of the verbs: with dashes or without, similar names, one line for each mistake."""

from __future__ import annotations

import re

import pytest

from ddbench.cli.main import VERBS, main, verb_parser
from ddbench.cli.parser import VerbParser, is_setting
from ddbench.errors import UserError

SPELLINGS = [["--repository", "x"], ["--repository=x"], ["repository=x"]]


@pytest.fixture
def parser() -> VerbParser:
    made = VerbParser("ddbench verb", usage="ddbench verb [FILE]")
    made.words("FILE", "what it is about")
    made.option("repository", "FOLDER", "where")
    made.flag("pictures", "draw", default=True)
    return made


@pytest.mark.parametrize("option", SPELLINGS, ids=" ".join)
def test_an_option_may_stand_anywhere_and_be_spelt_in_three_ways(option, parser):
    for words in ([*option, "a", "b"], ["a", *option, "b"], ["a", "b", *option]):
        given = parser.read(words)
        assert (given.words, given.repository) == (["a", "b"], "x")


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("--pictures", True),
        ("--no-pictures", False),
        ("pictures=true", True),
        ("pictures=False", False),
        ("--pictures=false", False),
    ],
)
def test_a_flag_is_true_or_false_and_takes_no_other_word(word, value, parser):
    given = parser.read([word, "a"])
    assert (given.pictures, given.words) == (value, ["a"])


def test_the_value_of_an_option_is_never_an_option_itself(parser):
    given = parser.read(["--repository", "pictures=maybe"])
    assert (given.repository, given.pictures) == ("pictures=maybe", True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--repo"], "'--repo': did you mean --repository"),
        (["repo=x"], "'repo': did you mean repository"),
        (["--repository"], "repository: give repository=VALUE"),
        (["repository="], "repository: give repository=VALUE"),
        (["--repository", "--pictures"], "give repository=VALUE"),
        (["pictures=maybe"], "pictures=maybe: pictures is true or false"),
        (["-x"], "unknown option '-x': known: --help"),
        (["-"], "unknown option '-'"),
        (["-7"], "unknown option '-7'"),
        (["colour=red"], "unknown option 'colour'"),
        (["repository=x", "a", "--repository", "y"], "repository is given twice, 'x' and 'y'"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line(words, told, parser):
    with pytest.raises(UserError, match=f".*{told}.*"):
        parser.read(words)


def test_a_path_with_an_equals_sign_is_a_word(parser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seed=1.pt").touch()
    paths = ["/no/a=b.pt", "./a=b.pt", "../a=b.pt", "a file=b.pt", "1=2.pt", "seed=1.pt"]
    assert parser.read(["--repository", "x", *paths]).words == paths


@pytest.mark.parametrize(
    "word", ["ipc=1", "method.x=a/b", "+method.x=2", "++a=1", "~a=1", "hydra/launcher=x", "--a=b"]
)
def test_a_key_of_a_run_is_a_setting(word):
    assert is_setting(word)


def test_keys_of_a_run_are_left_to_be_read_later(parser):
    parser.open_keys = True
    words = ["ipc=1", "~seed", "+method.x=2", "group=-1", "repository=x"]
    assert parser.read(words).words == words[:-1]


def test_keys_of_one_beginning_may_have_dashes(parser):
    parser.keys_beginning = ("dataset.",)
    words = ["--dataset.path=a", "dataset.filter=b"]
    assert parser.read(words).words == ["dataset.path=a", "dataset.filter=b"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--ipc", "10"], "'--ipc': a key is written without dashes, ipc=VALUE"),
        (["--method.rate=1"], "'--method.rate': a key is written without dashes, method.rate=1"),
        (["--repositry", "x"], "'--repositry': did you mean --repository"),
        (["-x"], "'-x': known: --help"),
    ],
    ids=str,
)
def test_a_mistake_beside_keys_of_a_run_is_one_line(words, told, parser):
    parser.open_keys = True
    with pytest.raises(UserError, match=re.escape(told)):
        parser.read(words)


def test_a_file_whose_name_begins_with_a_dash_is_written_with_its_folder(
    parser, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-a.pt").touch()
    with pytest.raises(UserError, match=r"'-a\.pt': the file is written '\./-a\.pt'"):
        parser.read(["-a.pt"])
    assert parser.read(["./-a.pt"]).words == ["./-a.pt"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_knows_its_work(verb):
    parser = verb_parser(verb)
    assert callable(parser.get_default("work"))
    assert parser.description
    assert parser.epilog.startswith("examples\n")


@pytest.mark.parametrize("verb", VERBS)
def test_no_option_may_be_shortened(verb, command):
    for option in verb_parser(verb).valued:
        assert f"'--{option[:-1]}'" in command(verb, f"--{option[:-1]}", "x").complaint


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("word", ["--zzz", "--zzz=1", "-z", "-", "-1", "--zzz.y/w=2", "--é", "-😀"])
def test_a_word_with_a_dash_that_is_no_option_is_named(word, verb, command):
    told = command(verb, "a-file", word, "another").complaint
    assert f"unknown option '{word.partition('=')[0]}'" in told


@pytest.mark.parametrize("verb", VERBS)
def test_no_option_may_be_given_twice(verb, command):
    for option in verb_parser(verb).valued:
        told = command(verb, f"{option}=x y", "a", f"--{option}", "z").complaint
        assert f"{option} is given twice, 'x y' and 'z'" in told


@pytest.mark.parametrize(("word", "near"), [("--verison", "--version"), ("shwo", "show")])
def test_an_unknown_first_word_is_answered_with_near_ones(word, near, command):
    assert near in command(word).complaint


def test_help_answers_even_where_something_else_is_wrong(command):
    assert command("submit", "a", "b", "--help").status == 0
    assert main(["help"]) == 0
