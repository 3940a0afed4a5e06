"""A verdict is one line, whatever a plugin does; a stop is not a verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ddbench import testing
from ddbench.errors import StopRequested, UserError
from ddbench.runs.registries import REGISTRIES
from ddbench.testing import Broken, Check, NotApplicable, judge, verdicts
from ddbench.testing.state import foreign_part, parts_of, unlike


def raising(error: BaseException) -> Callable[[str, Path], None]:
    def run(name: str, folder: Path) -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (Broken("one\nimage"), "broken", "one image"),
        (UserError("no such file"), "broken", "no such file"),
        (ZeroDivisionError("by zero"), "broken", "ZeroDivisionError: by zero (test_promise.py:"),
        (AssertionError(), "broken", "AssertionError (test_promise.py:"),
        (SystemExit(2), "broken", "SystemExit: 2 (test_promise.py:"),
        (NotApplicable("no files"), "not applicable", "no files"),
    ],
)
def test_whatever_is_raised_becomes_one_line(
    error: BaseException, state: str, reason: str, tmp_path: Path
) -> None:
    verdict = judge(Check("grows", raising(error)), "rose", tmp_path)
    assert verdict.state == state
    assert verdict.reason.startswith(reason)
    assert "\n" not in verdict.reason
    assert verdict.error is error


def test_a_long_message_is_cut(tmp_path: Path) -> None:
    verdict = judge(Check("grows", raising(ValueError("long " * 1000))), "rose", tmp_path)
    assert len(verdict.reason) < 400


@pytest.mark.parametrize("error", [StopRequested(15), KeyboardInterrupt()])
def test_a_request_to_stop_is_no_fault_of_the_plugin(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        judge(Check("grows", raising(error)), "rose", tmp_path)


def test_checks_after_a_broken_essential_one_are_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fine(name: str, folder: Path) -> None:
        pass

    stands = Check("stands", raising(Broken("it fell")), essential=True)
    leans = Check("leans", raising(Broken("it bends")))
    monkeypatch.setitem(testing.CHECKS, "plants", (leans, Check("grows", fine), stands, leans))
    found = [(str(v.check), v.state) for v in verdicts("plants", "rose", tmp_path)]
    assert found == [("leans", "broken"), ("grows", "holds"), ("stands", "broken")]


def test_every_kind_of_plugin_has_promises() -> None:
    assert testing.CHECKS.keys() == REGISTRIES.keys()
    for kind in REGISTRIES:
        promises = [check.promise for check in testing.checks(kind)]
        assert len(set(promises)) == len(promises) > 4


def test_checks_need_no_pytest() -> None:
    files = Path(str(testing.__file__)).parent.glob("*.py")
    assert not [file for file in files if "import pytest" in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize(
    ("state", "foreign"),
    [
        ({"a": [1, 2.0, "x", None, True], "b": {"c": (1, 2)}}, None),
        ({"a": {"b": [object()]}}, "a['b'][0]: object"),
        ({"a": sys}, "a: module"),
        ({1: {2}}, "1: set"),
    ],
)
def test_the_first_foreign_part_of_a_state_is_named(state: Any, foreign: str | None) -> None:
    assert foreign_part(state) == foreign


def test_parts_that_differ_are_named_by_their_place() -> None:
    import torch

    images = torch.zeros(2)
    before = parts_of({"images": images, "rates": [1.0, 2.0], "task": object(), "same": 3})
    images += 1
    after = parts_of({"images": images, "rates": [1.0, 2.5], "task": object(), "same": 3, "new": 1})
    assert unlike(before, after) == ["images", "new", "rates[1]"]
