"""Odd command lines are done or refused in one line; what they ask for is not computed."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from ddbench.cli.main import VERBS
from ddbench.data.registry import DATASETS
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.registry import METHODS
from ddbench.errors import StopRequested
from ddbench.models.registry import MODELS
from ddbench.plugins.registry import Registry
from ddbench.runs.request import RunConfig
from ddbench.scoring.registry import EVALUATORS
from ddbench.testing.promise import require

from .attempt import Kind, answer, require_mistake
from .json_mutations import MARKUP, ODD_TEXTS

STOPPED = 128 + 15
"""The status of a command that would have gone on to compute."""
SAFE = (
    "method=random",
    "dataset=digits",
    "model=narrow",
    "budget=smoke",
    "device=cpu",
    "threads=1",
)
ODD_VALUES = (
    "", "null", "true", "~", "0", "-1", "1", "2", "7", "1.5", "1e3", "1e400", "-1e400", "nan",
    "inf", "1_000", "0x10", "1" * 400, "9" * 5000, "9223372036854775808", "[]", "[1]", "[1,2]",
    "[[1],[2]]", "[" * 300 + "]" * 300, "{", "}", "{}", "{a:1}", "{a:{b:{c:1}}}", "[a,b", "'a",
    '"a"', "a b", "a=b", "a,b", "1,2,3", "range(1,3)", "choice(1,2)", "interval(0,1)", "glob(*)",
    "glob(d*,exclude=dm)", "shuffle(1,2)", "sort(2,1)", "int(3.7)", "str(3)", "json_str(3)",
    "extend_list(1)", "${ipc}", "${foo}", "${oc.env:HOME}", "${oc.env:NOT_THERE}", "${", "$ipc",
    "${ipc:1}", "???", "all", "none", "None", "-", "--", "=", "==", ":", "/", "..", "/dev/null",
    "/dev/zero", "~root", "a" * 5000, "é", "数据", "😀", "\u202e", "\udcff", "\x00", "\x1b[0m",
    "a\nb", "\t", "%s", "{0}", "\\", "\\'",
)  # fmt: skip
GROUPS: dict[str, Registry[Any]] = {
    "method": METHODS,
    "dataset": DATASETS,
    "model": MODELS,
    "evaluators": EVALUATORS,
}
OPTIONS = (
    "-m",
    "--multirun",
    "--help",
    "-h",
    "--",
    "-",
    "--check",
    "--json",
    "--verison",
    "-x",
    "-o",
)


def attempt(draws: random.Random, folder: Path, kept: Path) -> None:
    """One to four odd words after a random verb."""
    words = command_line(draws, folder)
    with (
        patch("ddbench.runs.execute._run", _stop),
        patch("ddbench.runs.record_scores.evaluate_all", _stop),
        patch("ddbench.cli.cell.execute", _stop),
        patch("ddbench.cli.hydra_launcher.do_by_launcher", _stop),
    ):
        found = answer(*words)
    story = " ".join(word if len(word) < 100 else f"{word[:100]}…" for word in words)
    require("Traceback" not in found.out + found.err, f"{story!r}: {found.err[-500:]!r}")
    if found.status not in (0, STOPPED):
        lines = found.err.splitlines()
        require(found.status == 2, f"{story!r}: status {found.status}, {found.err[-500:]!r}")
        require_mistake(found, folder)
        require(len(lines) == 1, f"{story!r}: {found.err[:500]!r}")


def command_line(draws: random.Random, folder: Path) -> list[str]:
    """A verb and its words, some of which are odd."""
    verb = draws.choices(("show", "run", "evaluate", *VERBS), (8, 4, 2, *[0.3] * len(VERBS)))[0]
    roots = [f"runs_root={folder / 'runs'}", f"data_root={folder / 'data'}"]
    odd = [_word(draws) for _ in range(draws.randint(1, 4))]
    if verb in ("show", "run"):
        words = [*SAFE, *roots, *odd]
    elif verb == "evaluate":
        words = [str(_set_file(folder)), "budget=smoke", "device=cpu", "threads=1", *roots, *odd]
    elif verb == "leaderboard":
        words = [f"repository={folder}", *odd]
    elif verb == "test":
        words = [*odd, "no-such-plugin"]
    elif verb in ("prepare", "regress"):
        words = [*odd, "--no-such-option"]
    else:
        words = odd
    return [verb, *words]


def _word(draws: random.Random) -> str:
    if draws.random() < 0.1:
        return draws.choice((*OPTIONS, *ODD_VALUES))
    key, value = (
        draws.choice(_keys(draws)),
        draws.choice((*ODD_VALUES, *ODD_VALUES, *MARKUP, *ODD_TEXTS[:-1])),
    )
    if draws.random() < 0.2 and key in GROUPS:
        value = draws.choice(GROUPS[key].names())
    if draws.random() < 0.1:
        at = draws.randrange(len(key) + 1)
        key = (
            key[:at] + draws.choice(("", ".", "x", "=", "@", "/", ":", "é", "[0]")) + key[at + 1 :]
        )
    return f"{draws.choice(('', '', '', '', '', '', '+', '++', '~', '--'))}{key}={value}"


def _keys(draws: random.Random) -> list[str]:
    """Keys of a run, and of the settings of a plugin that is drawn."""
    keys = [item.name for item in dataclasses.fields(RunConfig)] + ["experiment", "hydra.job.name"]
    group = draws.choice(sorted(GROUPS))
    name = draws.choice(GROUPS[group].names())
    prefix = f"evaluators.{name}" if group == "evaluators" else group
    settings = [item.name for item in dataclasses.fields(GROUPS[group][name].Settings)]
    below = [f"{prefix}.{one}" for one in settings]
    return draws.choice((keys, below or keys, ["budget.networks", "budget.evaluation", "foo"]))


def _set_file(folder: Path) -> Path:
    path = folder / "set.safetensors"
    images, labels = torch.zeros(10, 1, 8, 8), torch.arange(10)
    names = tuple(str(label) for label in range(10))
    path.write_bytes(DistilledSet(images, labels, names, "digits", "normalised").to_bytes())
    return path


def _stop(*arguments: Any, **keywords: Any) -> Any:
    raise StopRequested(15)


KIND = Kind("override", attempt, share=1, seconds=300, growth_bytes=3 * 2**30)
