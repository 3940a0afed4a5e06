"""The words of a command line, `KEY=VALUE`, in Hydra's grammar: reading, quoting and writing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from ..errors import UserError, shortened, shown

PLAIN_TEXT = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.-]*")
KEY_AND_VALUE = re.compile(r"(\+{0,2}[A-Za-z_]\w*(?:\.\w+)*)=(.+)", re.ASCII)
MEANT_AS_GRAMMAR = re.compile(r"[\[{('\"]|.*(?:,|\$\{)")
"""What is hardly meant as one text: a list, a table, a quotation, several values."""
DEEPEST = 20
"""Levels of lists and tables in a value."""
LONGEST_QUOTED = 200
"""Of words that a message shows as they should have been typed."""


def readable(arguments: Sequence[str]) -> list[str]:
    """The words, of which those texts are quoted that the grammar does not read without.

    `dataset.path=/data/a=b` is taken as `dataset.path='/data/a=b'`, and so are letters with accents
    and other scripts; what may have been meant as a list, a table or several values is left alone.
    """
    return [_quoted(word) or word if _override(word) is None else word for word in arguments]


def parsed(argument: str) -> Override:
    """One word, read.

    Raises:
        UserError: for an option, for what the grammar does not read, and for lists in lists without
            end.
    """
    if argument.startswith("-"):
        raise UserError(
            f"unknown option {shown(argument)}: known are --help and, to `run`, -m (a sweep)"
        )
    override = _override(argument)
    if override is not None and _is_deeper(override.value(), DEEPEST):
        raise UserError(f"{shortened(argument)}: lists and tables go {DEEPEST} levels deep at most")
    if override is not None:
        return override
    hint = "write key=value, such as method=apm or ipc=10"
    parts = KEY_AND_VALUE.fullmatch(argument)
    if parts and argument.isprintable() and len(argument) <= LONGEST_QUOTED:
        hint += f"; a text with such signs is quoted: {quoted_for_a_shell(*parts.groups())}"
    raise UserError(f"cannot read {shown(argument)}: {hint}")


def quoted_for_a_shell(key: str, value: str) -> str:
    """A word whose value is one text, as it is typed so that a shell leaves its quotes."""
    word = f"{key}={as_text(value)}"
    return shlex.quote(word) if set(word) & set('"$`!\\') else f'"{word}"'


def given_value(arguments: Sequence[str], key: str) -> str | None:
    """The value that the arguments give a key, if they do.

    Raises:
        UserError: for several values, which only other keys of a sweep can have.
    """
    given = [item for item in map(parsed, arguments) if item.key_or_group == key]
    if not given or given[-1].value() is None:
        return None
    if given[-1].is_sweep_override():
        word = shortened(given[-1].input_line or "")
        quoted = quoted_for_a_shell(key, word.partition("=")[2])
        raise UserError(
            f"{word}: {key} has one value, in a sweep too; one text is quoted, {quoted}"
        )
    return str(given[-1].value())


def plain_values(arguments: Sequence[str]) -> dict[str, Any]:
    """The values of the arguments by key, in plain types.

    Raises:
        UserError: for what the grammar does not read, and for several values, which are a sweep.
    """
    items = [parsed(word) for word in readable(arguments)]
    for item in items:
        check_is_one_value(item)
    return {item.key_or_group: item.value() for item in items}


def check_is_one_value(item: Override) -> None:
    """Refuse several values, which only a sweep takes.

    Raises:
        UserError: one line that says how they are swept over, or written as one value.
    """
    if not item.is_sweep_override():
        return
    word = shortened(item.input_line or "")
    if item.is_interval_sweep():
        raise UserError(f"{word}: a sweep goes over values, not intervals: list them, A,B,C")
    key, _, value = word.partition("=")
    raise UserError(
        f"{word}: several values are a sweep; add -m, as in `ddbench run -m {word}` "
        f"(or write a list as [a,b], one text as {quoted_for_a_shell(key, value)})"
    )


def as_overrides(values: dict[str, Any]) -> list[str]:
    """Python values as overrides: lists in brackets, None as null, text quoted where needed."""
    return [f"{name}={as_text(value)}" for name, value in values.items()]


def as_text(value: Any) -> str:
    """A value as it is typed on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(as_text(item) for item in value)}]"
    text = str(value)
    if PLAIN_TEXT.fullmatch(text) and text.lower() not in ("null", "true", "false", "nan", "inf"):
        return text
    # Hydra's grammar: backslashes count double before a quote or the end, and before what a
    # backslash guards from being interpolated.
    guarded = re.sub(r"(\\*)('|\$\{|\Z)", lambda m: m[1] * 2 + (f"\\{m[2]}" if m[2] else ""), text)
    return f"'{guarded}'"


def _override(argument: str) -> Override | None:
    """The word as Hydra reads it; None where it does not."""
    try:
        return OverridesParser.create().parse_overrides([argument])[0]
    except (HydraException, ValueError, RecursionError):  # of thousands of digits or brackets
        return None


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether a value is a list or a table of more than so many levels."""
    if not isinstance(value, list | dict):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inside)


def _quoted(argument: str) -> str | None:
    """The word with its value quoted; None where it may have been meant otherwise."""
    parts = KEY_AND_VALUE.fullmatch(argument)
    if parts is None or not argument.isprintable() or MEANT_AS_GRAMMAR.match(parts[2]):
        return None
    return f"{parts[1]}={as_text(parts[2])}"
