"""Command-line overrides, `KEY=VALUE`, in Hydra's grammar: parsing, quoting and writing."""

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
"""Values that are hardly meant as plain text: lists, dicts, quoted text, several values."""
DEEPEST = 20
"""Most levels of lists and dicts in a value."""
LONGEST_QUOTED = 200
"""Longest override that a message repeats in its correct form."""


def readable(arguments: Sequence[str]) -> list[str]:
    """The overrides, with quotes added to text that the grammar cannot parse without them.

    `dataset.path=/data/a=b` becomes `dataset.path='/data/a=b'`; the same holds for accented letters
    and other scripts. Values that may be meant as a list, a dict or several values are unchanged.
    """
    return [_quoted(word) or word if _override(word) is None else word for word in arguments]


def parsed(argument: str) -> Override:
    """Parse one override.

    Raises:
        UserError: for an option, for text that the grammar cannot parse, and for lists that are
            nested too deeply.
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
    """An override with a text value, quoted such that a shell keeps the inner quotes."""
    word = f"{key}={as_text(value)}"
    return shlex.quote(word) if set(word) & set('"$`!\\') else f'"{word}"'


def given_value(arguments: Sequence[str], key: str) -> str | None:
    """The value of a key in the arguments, or None.

    Raises:
        UserError: for several values, which this key cannot have even in a sweep.
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
        UserError: if the grammar cannot parse an argument, or it has several values (a sweep).
    """
    items = [parsed(word) for word in readable(arguments)]
    for item in items:
        check_is_one_value(item)
    return {item.key_or_group: item.value() for item in items}


def check_is_one_value(item: Override) -> None:
    """Reject several values, which only a sweep accepts.

    Raises:
        UserError: one line that says how to sweep over them, or write them as one value.
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
    # Hydra's grammar: backslashes are doubled before a quote or the end, and before an escaped
    # interpolation.
    guarded = re.sub(r"(\\*)('|\$\{|\Z)", lambda m: m[1] * 2 + (f"\\{m[2]}" if m[2] else ""), text)
    return f"'{guarded}'"


def _override(argument: str) -> Override | None:
    """The override as Hydra parses it; None if it cannot."""
    try:
        return OverridesParser.create().parse_overrides([argument])[0]
    except (HydraException, ValueError, RecursionError):  # of thousands of digits or brackets
        return None


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether a value is a list or dict nested more than `levels` deep."""
    if not isinstance(value, list | dict):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inside)


def _quoted(argument: str) -> str | None:
    """The override with its value quoted; None if it may not be meant as plain text."""
    parts = KEY_AND_VALUE.fullmatch(argument)
    if parts is None or not argument.isprintable() or MEANT_AS_GRAMMAR.match(parts[2]):
        return None
    return f"{parts[1]}={as_text(parts[2])}"
