"""Messages are one printable line, whatever they quote."""

from __future__ import annotations

import pickle

import pytest

from ddbench.errors import LONGEST_MESSAGE, UserError, shortened, shown


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("a\nb", "a b"),
        ("a\u2028b\r\nc", "a b c"),
        ("x=\u202egnp", r"x=\u202egnp"),
        ("a\x00b\x1b[31m", r"a\x00b\x1b[31m"),
        ("\ud800", r"\ud800"),
        ("データ: é", "データ: é"),
    ],
    ids=ascii,
)
def test_message_of_a_mistake_is_one_line_that_can_be_printed(message: str, told: str) -> None:
    assert str(UserError(message)) == told
    assert str(pickle.loads(pickle.dumps(UserError(message)))) == told


def test_absurdly_long_message_keeps_its_beginning_and_its_end() -> None:
    message = str(UserError("ipc=" + "9" * 10**5 + ": must be at least 1"))
    assert len(message) == LONGEST_MESSAGE
    assert message.startswith("ipc=9")
    assert message.endswith("must be at least 1")


def test_quoted_text_is_cut_to_a_line() -> None:
    assert shortened("as it is") == "as it is"
    assert shortened("a\n b\t\x00") == r"a b \x00"
    assert shortened(f"{'x ' * 10**6}is not a number", 60).endswith("x x is not a number")
    assert len(shortened("x " * 10**6)) == 200
    assert shown("x" * 10**6, 20) == f"'{'x' * 18}…"
    assert shown(10**5000) == "a int of absurd size"
