"""Options of the verbs: with dashes or without, near names, one line for each mistake."""

from __future__ import annotations

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
        (["--repo"], "'repo': did you mean repository"),
        (["--repository"], "repository: give repository=VALUE"),
        (["repository="], "repository: give repository=VALUE"),
        (["--repository", "--pictures"], "give repository=VALUE"),
        (["pictures=maybe"], "pictures=maybe: pictures is true or false"),
        (["-x"], "unknown option 'x'"),
        (["colour=red"], "unknown option 'colour'"),
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
    words = ["ipc=1", "~ipc", "+method.x=2", "-1", "seed=-1", "repository=x"]
    assert parser.read(words).words == words[:-1]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_knows_its_work(verb):
    parser = verb_parser(verb)
    assert callable(parser.get_default("work"))
    assert parser.description
    assert parser.epilog.startswith("examples\n")


@pytest.mark.parametrize("verb", VERBS)
def test_no_option_may_be_shortened(verb, command):
    for option in verb_parser(verb).valued:
        assert command(verb, f"--{option[:-1]}", "x").status == 2


@pytest.mark.parametrize(("word", "near"), [("--verison", "--version"), ("shwo", "show")])
def test_an_unknown_first_word_is_answered_with_near_ones(word, near, command):
    assert near in command(word).complaint


def test_help_answers_even_where_something_else_is_wrong(command):
    assert command("submit", "a", "b", "--help").status == 0
    assert main(["help"]) == 0
