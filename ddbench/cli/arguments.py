"""The arguments of the small verbs: words, and options of the form NAME=VALUE."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..errors import UserError, unknown_name


def words_and_options(
    arguments: Sequence[str], known: Collection[str], flags: Collection[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Split arguments; `--NAME VALUE` and `--NAME=VALUE` are taken for `NAME=VALUE`.

    Args:
        arguments: of a verb.
        known: names of its options.
        flags: those that are true where they are named without a value.

    Raises:
        UserError: for an option that is not known, or has no value.
    """
    words, options = [], {}
    remaining = iter(arguments)
    for word in remaining:
        name, sign, value = word.removeprefix("--").partition("=")
        if not sign and not word.startswith("--"):
            words.append(word)
            continue
        if name not in known:
            raise unknown_name("option", name, known)
        if not sign:
            value = "true" if name in flags else next(remaining, "")
        if not value:
            raise UserError(f"{name}: give {name}=VALUE")
        options[name] = value
    return words, options


def truth(name: str, text: str) -> bool:
    """The value of an option that is true or false.

    Raises:
        UserError: for another word.
    """
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise UserError(f"{name}={text}: {name} is true or false")
    return values[text.lower()]
