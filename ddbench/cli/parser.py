"""The parser of one verb: words, and options that are written --NAME VALUE or NAME=VALUE."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

from ..errors import UserError, near_names, shortened, shown, unknown_name

OPTIONS = ("--help", "--version")
"""Options of the program itself."""

NAME = re.compile(r"(?:--|\+{1,2}|~)?[A-Za-z_][\w.@-]*(?:/[\w.@-]+)*")
"""The name of an option or the key of a run, with Hydra's signs before it."""

LIKE_AN_OPTION = 0.75
"""From this similarity on a word is a misspelt option, and not a run's key with dashes."""


def layout(prog: str) -> argparse.HelpFormatter:
    """A help formatter that keeps paragraphs and examples as they are written."""
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=100)


class VerbParser(argparse.ArgumentParser):
    """Argparse with one-line errors, similar names, and options without dashes.

    Arguments other than options are in the attribute `words` of the result. For a verb that takes
    the keys of a run (`open_keys`), or only those with certain prefixes (`keys_beginning`), it also
    holds, unparsed, every such NAME=VALUE whose name is not one of the verb's options.
    """

    open_keys = False
    keys_beginning: tuple[str, ...] = ()
    takes_words = False

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        keywords.setdefault("formatter_class", layout)
        keywords.setdefault("allow_abbrev", False)
        keywords.setdefault("exit_on_error", False)
        super().__init__(*arguments, **keywords)
        self.valued: set[str] = set()
        self.flags: set[str] = set()

    def words(self, metavar: str, help: str) -> None:
        """Add the words, with help."""
        self.takes_words = True
        self.add_argument("words", nargs="*", metavar=metavar, help=help)

    def option(
        self, name: str, metavar: str, help: str, default: str | None = None, short: str = ""
    ) -> None:
        """Add an option with a value, and perhaps a short name such as "-o"."""
        self.valued.add(name)
        names = [*([short] if short else []), f"--{name}"]
        self.add_argument(*names, metavar=metavar, help=help, default=default, action=_Once)

    def config_dir(self) -> None:
        """Add the option for the user's own folder of presets."""
        self.option(
            "config_dir",
            "FOLDER",
            "experiments, studies and recipes of your own (default: $DDBENCH_CONFIGS, if set)",
        )

    def flag(self, name: str, help: str, default: bool = False) -> None:
        """Add an option that is true or false: --NAME, --no-NAME, NAME=true, NAME=false."""
        self.flags.add(name)
        action = argparse.BooleanOptionalAction
        self.add_argument(f"--{name}", action=action, help=help, default=default)

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The values of a verb's arguments.

        Raises:
            UserError: for an option that is unknown, has no value, or is given twice.
        """
        try:
            given, left = self.parse_known_intermixed_args(self._with_dashes(arguments))
        except argparse.ArgumentError as error:
            name = (error.argument_name or "").rpartition("/")[2].lstrip("-")
            hint = f"give {name}=VALUE" if name in self.valued else error.message
            raise UserError(f"{name}: {hint}") from error
        for name in self.valued:
            if getattr(given, name) == "" != self.get_default(name):
                raise UserError(f"{name}: give {name}=VALUE")
        given.words = [*getattr(given, "words", ()), *left]
        for word in sorted(given.words, key=lambda word: not word.startswith("-")):
            self._check_word(word)
        return given

    def _check_word(self, word: str) -> None:
        """Reject unknown options, keys that the verb does not take, and words if it takes none."""
        if word.startswith("-"):
            raise self._unknown_option(word)
        if not word:
            raise UserError(f"empty argument: {' '.join((self.usage or '').split())}")
        if is_setting(word) and not self.open_keys and not word.startswith(self.keys_beginning):
            raise unknown_name("option", word.partition("=")[0], self.valued | self.flags)
        if not is_setting(word) and not self.takes_words:
            raise UserError(f"unexpected argument {shown(word)}: {self.usage}")

    def _unknown_option(self, word: str) -> UserError:
        """The error for a word that begins with a dash and is not an option."""
        name, sign, value = word.partition("=")
        negated = name.startswith("--no")
        known = [o for o in self._option_string_actions if negated or not o.startswith("--no-")]
        if os.path.exists(word):
            file = shown(f"./{word}")
            return UserError(f"unknown option {shown(word)}: the file is written {file}")
        bare = name.lstrip("-")
        is_key = len(bare) > 1 and NAME.fullmatch(bare) is not None
        if self.open_keys and is_key and not near_names(bare, known, LIKE_AN_OPTION):
            told = shortened(f"{bare}={value if sign else 'VALUE'}")
            return UserError(
                f"unknown option {shown(name)}: a key is written without dashes, {told}"
            )
        return unknown_name("option", name, known)

    def error(self, message: str) -> NoReturn:
        """Report a mistake like every other."""
        raise UserError(message)

    def _with_dashes(self, arguments: Sequence[str]) -> list[str]:
        """Options written NAME=VALUE as argparse takes them; all other words unchanged."""
        spelt: list[str] = []
        before = ""
        for word in arguments:
            name, sign, value = word.removeprefix("--").partition("=")
            if word.startswith("--") and (spelt_so := name.replace("-", "_")) in self.valued:
                name, word = spelt_so, f"--{spelt_so}{sign}{value}"
            is_a_value = before.removeprefix("--") in self.valued and before.startswith("--")
            if sign and not is_a_value and name in self.flags:
                word = f"--{name}" if truth(name, value) else f"--no-{name}"
            elif sign and not is_a_value and name in self.valued:
                word = f"--{name}={value}"
            elif sign and not is_a_value and name.startswith(self.keys_beginning):
                word = f"{name}={value}"
            spelt.append(word)
            before = word
        return spelt


class _Once(argparse.Action):
    """Takes the value of an option that may be given only once."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest)
        if before != self.default:
            raise UserError(
                f"{self.dest} is given twice, {shown(before)} and {shown(values)}: give it once"
            )
        setattr(namespace, self.dest, values)


def is_setting(word: str) -> bool:
    """Whether a word is NAME=VALUE; the path of a file may contain an equals sign as well.

    A word is a path if its NAME cannot be one, as in `/data/a=b.pt`, or if the file exists.
    """
    name, sign, _ = word.partition("=")
    return bool(sign) and NAME.fullmatch(name) is not None and not os.path.exists(word)


def one_is_needed(verb: str, wanted: str, given: Sequence[str]) -> UserError:
    """The error for too few or too many words, with what the verb needs."""
    told = ", ".join(map(shown, given[:4]))
    return UserError(f"{verb} needs {wanted}" + (f", not {told}" if given else ""))


def number(name: str, text: str, low: float, high: float, whole: bool = False) -> float:
    """The value of an option as a number.

    Raises:
        UserError: for text that is not such a number.
    """
    try:
        value = float(int(text) if whole else text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise UserError(f"{name}={shortened(text)}: {name} is {kind} from {low:g} to {high:g}")
    return value


def truth(name: str, text: str) -> bool:
    """The value of an option that is true or false.

    Raises:
        UserError: for any other word.
    """
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise UserError(f"{name}={shortened(text)}: {name} is true or false")
    return values[text.lower()]


class Verb(Protocol):
    """What a verb's module contains; `define` sets its function as the default `work`."""

    SUMMARY: str
    """What the verb does, in one line of `ddbench --help`."""

    def define(self, parser: VerbParser) -> None:
        """Describe usage, options and examples, without importing anything heavy."""
