"""A promise that every plugin of a kind makes, and the verdict on one plugin."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import StopRequested, UserError

LONGEST = 300
"""The most characters of a reason."""


class Broken(Exception):
    """A promise is not kept; the message is the reason, one line."""


class NotApplicable(Exception):
    """A promise does not apply to this plugin here; the message says why, such as missing files."""


def require(condition: object, reason: str) -> None:
    """Raise `Broken` with the reason unless the condition holds."""
    if not condition:
        raise Broken(reason)


@dataclass(frozen=True)
class Check:
    """One promise and how it is checked.

    Args:
        promise: what a plugin does, in words that follow its name.
        run: takes the plugin's name and a working folder, which may be shared by all checks of many
            plugins: each uses folders of its own there. Returns if the promise is kept; raises
            `Broken`, `NotApplicable`, or whatever the plugin raises.
        essential: whether later checks are meaningless for a plugin that fails this one.
    """

    promise: str
    run: Callable[[str, Path], None]
    essential: bool = False

    def __str__(self) -> str:
        return self.promise


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Args:
        check: the promise.
        state: "not applicable" if the promise does not apply to the plugin.
        reason: why it is broken or not applicable, one line.
        error: what was raised, with its traceback.
    """

    check: Check
    state: Literal["holds", "broken", "not applicable"]
    reason: str = ""
    error: BaseException | None = None


def judge(check: Check, name: str, folder: Path) -> Verdict:
    """Check one promise of a plugin, whatever the plugin does.

    Raises:
        StopRequested: when the process is asked to stop.
    """
    try:
        check.run(name, folder)
    except NotApplicable as error:
        return Verdict(check, "not applicable", one_line_of(error), error)
    except StopRequested:
        raise
    except (Exception, SystemExit) as error:  # third-party code may even end the process
        return Verdict(check, "broken", one_line_of(error), error)
    return Verdict(check, "holds")


def one_line_of(error: BaseException) -> str:
    """An error's message, with its type and place if it was not written for users."""
    text = " ".join(str(error).split())
    if not isinstance(error, (Broken, NotApplicable, UserError)):
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
        text = f"{text[:LONGEST]} ({Path(place.filename).name}:{place.lineno})"
    return text if len(text) <= LONGEST + 100 else f"{text[:LONGEST]}…"
