"""The words of a command line, `KEY=VALUE`, in Hydra's grammar: reading, quoting and writing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from ..errors import UserError

PLAIN_TEXT = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.-]*")
KEY_AND_VALUE = re.compile(r"(\+{0,2}[A-Za-z_]\w*(?:\.\w+)*)=(.+)", re.ASCII)
MEANT_AS_GRAMMAR = re.compile(r"[\[{('\"]|.*(?:,|\$\{)")
"""What is hardly meant as one text: a list, a table, a quotation, several values."""


def readable(arguments: Sequence[str]) -> list[str]:
    """The words, of which those texts are quoted that the grammar does not read without.

    `dataset.path=/data/a=b` is taken as `dataset.path='/data/a=b'`, and so are letters with accents
    and other scripts; what may have been meant as a list, a table or several values is left alone.
    """
    return [_quoted(word) or word if _override(word) is None else word for word in arguments]


def parsed(argument: str) -> Override:
    """One word, read.

    Raises:
        UserError: for an option, and for what the grammar does not read.
    """
    if argument.startswith("-"):
        raise UserError(
            f"unknown option {argument!r}: known are --help and, to `run`, -m (a sweep)"
        )
    override = _override(argument)
    if override is not None:
        return override
    hint = "write key=value, such as method=apm or ipc=10"
    parts = KEY_AND_VALUE.fullmatch(argument)
    if parts:
        hint += f"; a text with such signs is quoted: {quoted_for_a_shell(*parts.groups())}"
    raise UserError(f"cannot read {argument!r}: {hint}")


def quoted_for_a_shell(key: str, value: str) -> str:
    """A word whose value is one text, as it is typed so that a shell leaves its quotes."""
    word = f"{key}={as_text(value)}"
    return shlex.quote(word) if set(word) & set('"$`!\\') else f'"{word}"'


def given_value(arguments: Sequence[str], key: str) -> str | None:
    """The value that the arguments give a key, if they do."""
    values = [item.value() for item in map(parsed, arguments) if item.key_or_group == key]
    return str(values[-1]) if values and values[-1] is not None else None


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
    except (HydraException, ValueError):  # the latter for a number of thousands of digits
        return None


def _quoted(argument: str) -> str | None:
    """The word with its value quoted; None where it may have been meant otherwise."""
    parts = KEY_AND_VALUE.fullmatch(argument)
    if parts is None or not argument.isprintable() or MEANT_AS_GRAMMAR.match(parts[2]):
        return None
    return f"{parts[1]}={as_text(parts[2])}"
