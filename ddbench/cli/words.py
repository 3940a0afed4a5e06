"""The arguments of the small verbs: words, and options of the form NAME=VALUE."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..errors import unknown_name


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
