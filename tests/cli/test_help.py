"""Help answers at once, mentions every key, and its examples are right."""

from __future__ import annotations

import dataclasses
import re
import shlex
import subprocess
import sys

import pytest

from ddbench.cli.main import VERBS, command_parser, verb_parser
from ddbench.cli.prepare_verb import TABLE
from ddbench.data.registry import DATASETS
from ddbench.runs.compose import check_overrides, compose_config, request_of
from ddbench.runs.grid import grid
from ddbench.runs.option_groups import register
from ddbench.runs.registries import REGISTRIES
from ddbench.runs.request import RunConfig, request_from
from ddbench.scoring.protocols import PROTOCOLS

HEAVY = {"torch", "torchvision", "sklearn", "scipy", "matplotlib", "hydra", "pandas"}
HEAVY |= {"omegaconf", "rich"}
PROBE = """
import io, contextlib, sys
import ddbench
from ddbench.cli.main import main
for words in {commands!r}:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(words) == 0
    assert out.getvalue().strip(), words
print(sorted({heavy!r} & set(sys.modules)))
"""
RUN_HELP = verb_parser("run").format_help()
TEXTS = [command_parser().format_help(), *(verb_parser(verb).format_help() for verb in VERBS)]
EXAMPLE = re.compile(r"^  ddbench (\w+) ?(.*?)(?:   .*)?$", re.MULTILINE)
EXAMPLES = sorted({match for text in TEXTS for match in EXAMPLE.findall(text)})


def test_help_and_lists_import_nothing_heavy():
    commands = [["--help"], [], ["--version"], *([verb, "--help"] for verb in VERBS)]
    commands += [["list", kind] for kind in [*REGISTRIES, "protocols", "runs"]]
    code = PROBE.format(commands=commands, heavy=HEAVY)
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert answer.stdout.strip() == "[]", answer.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_tells_its_usage(verb, command):
    for word in ("--help", "-h"):
        answer = command(verb, word)
        assert answer.status == 0
        assert answer.out.startswith(f"usage: ddbench {verb}")


def test_help_of_run_explains_every_key():
    keys = {item.name for item in dataclasses.fields(RunConfig)}
    explained = set(re.findall(r"^  ([a-z]\w*)=", RUN_HELP, re.MULTILINE))
    assert keys <= explained
    assert explained <= keys | {"experiment"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_protocol_is_named_by_help_and_told_by_list(protocol, command):
    explained = RUN_HELP[RUN_HELP.index("protocols=") : RUN_HELP.index("evaluators=")]
    assert re.search(rf"\b{protocol}\b", explained)
    label, told = command("list", "protocols", protocol).out.strip().split(maxsplit=1)
    assert (label, told) == (PROTOCOLS[protocol].label, PROTOCOLS[protocol].summary)


def test_help_of_the_command_has_a_line_for_every_verb():
    listed = re.findall(r"^    (\w+) +(.+)$", TEXTS[0], re.MULTILINE)
    assert dict(listed) == {name: verb.SUMMARY for name, verb in VERBS.items()}


def test_help_has_examples_of_every_verb():
    assert {verb for verb, _ in EXAMPLES} == set(VERBS)


@pytest.mark.parametrize(("verb", "rest"), EXAMPLES)
def test_an_example_in_the_help_is_right(verb, rest, command):
    words = shlex.split(rest)
    if verb in ("run", "show"):
        register()
        sweep = "-m" in words
        given = verb_parser(verb).read([word for word in words if word != "--help"])
        check_overrides(given.words, sweep)
        for cell in grid(given.words).cells:
            config = compose_config(cell)
            assert request_from(config, config.hydra.runtime.choices)
    elif verb == "evaluate":
        if words[0].endswith(".safetensors"):
            assert request_of(verb_parser(verb).read(words).words[1:])
        else:  # a released set, for which more must be stated
            assert "no such file" in command(verb, *words).complaint
    elif verb == "list":
        assert command("list", *words).status == 0
    elif verb == "test":
        given = verb_parser("test").read(words)
        known = {name for registry in REGISTRIES.values() for name in registry}
        assert set(given.words) <= known
    elif verb in ("inspect", "import", "export"):
        assert "no such file" in command(verb, *words).complaint  # and nothing before that
    elif verb == "prepare":
        assert words[0] in (*DATASETS, TABLE)
        given = verb_parser("prepare").read(words)
        assert given.words == [words[0]]
        assert given.source is None or words[0] == TABLE
    else:
        assert verb_parser(verb).read(words)
