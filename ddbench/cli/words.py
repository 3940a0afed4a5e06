"""The arguments of the small verbs: words, and options of the form NAME=VALUE."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..errors import UserError, unknown_name


def words_and_options(
    arguments: Sequence[str], known: Collection[str]
) -> tuple[list[str], dict[str, str]]:
    """Split arguments.

    Args:
        arguments: of a verb.
        known: names of its options.

    Raises:
        UserError: for an option that is not known.
    """
    words = [word for word in arguments if "=" not in word]
    options = dict(word.split("=", 1) for word in arguments if "=" in word)
    for name in options:
        if name not in known:
            raise unknown_name("option", name, known)
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
