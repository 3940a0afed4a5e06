"""The types of a record's fields: which names, hashes, counts, numbers and texts are valid.

pydantic checks untrusted files strictly against typed, frozen models, and exports their schema;
its mypy plugin is not needed.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    Strict,
    StringConstraints,
    model_serializer,
)

from ..errors import shown

LARGEST_COUNT = 2**53 - 1
"""The largest integer that the leaderboard page's JavaScript represents exactly."""
LARGEST = 1e100
"""Above any number of seconds or bytes and any score; sums of its squares are still finite."""
LONGEST_TEXT = 2000
DEEPEST = 20
"""Most levels of nested plain values."""

NAME = r"\w[\w.+-]{0,119}"
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# Each type is strict: text never becomes a number, and a bool never becomes a count.
Name = Annotated[str, StringConstraints(strict=True, pattern=rf"^{NAME}$")]
Space = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[A-Za-z][A-Za-z0-9_.+:,/-]{0,299}$")
]
"""An input space's name, which may hold means and standard deviations: normalised:0.5/0.2."""
Hash = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{8,64}$")]
Sha256 = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]
Time = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+\d:.Z-]{0,20}$"),
]
Line = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]*$", max_length=LONGEST_TEXT),
]
"""One line of text without control characters."""
Text = Annotated[
    str,
    StringConstraints(
        strict=True, pattern=r"^(?:[^\p{C}\p{Zl}\p{Zp}]|[\n\t])*$", max_length=LONGEST_TEXT
    ),
]
"""Text that may have several lines."""
Truth = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), Field(ge=0, le=LARGEST_COUNT)]
Positive = Annotated[int, Strict(), Field(ge=1, le=LARGEST_COUNT)]
Number = Annotated[float, Strict(), Field(ge=-LARGEST, le=LARGEST)]
Amount = Annotated[float, Strict(), Field(ge=0, le=LARGEST)]
Fraction = Annotated[float, Strict(), Field(gt=0, le=1)]
Accuracy = Annotated[float, Strict(), Field(ge=0, le=1)]
Share = Annotated[float, Strict(), Field(ge=0, lt=1)]
Integer = Annotated[int, Strict(), Field(ge=-LARGEST_COUNT, le=LARGEST_COUNT)]
Coordinate = Line | Integer | Number


def _plain(value: Any, depth: int = 0) -> Any:
    """Return the value if it consists of plain, printable JSON types.

    Raises:
        ValueError: if it does not.
    """
    if depth > DEEPEST:
        raise ValueError("is nested too deeply")
    match value:
        case None | bool():
            pass
        case int():
            if abs(value) > LARGEST_COUNT:
                raise ValueError("holds a number that is too large")
        case float():
            if not math.isfinite(value):
                raise ValueError(f"holds {value}, which is not finite")
        case str():
            if len(value) > LONGEST_TEXT or _UNFIT.search(value):
                raise ValueError("holds text that is too long or not printable")
        case list() | tuple():
            for item in value:
                _plain(item, depth + 1)
        case dict():
            for key, item in value.items():
                if type(key) is not str:
                    raise ValueError(f"has the key {shown(key)}, which is not text")
                _plain(key, depth + 1)
                _plain(item, depth + 1)
        case _:
            raise ValueError(f"holds a value of type {type(value).__name__}")
    return value


Plain = Annotated[Any, AfterValidator(_plain)]
"""Any value of plain JSON types that is finite and of sensible size."""


class Facts(BaseModel):
    """A part of a record: frozen, without unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        protected_namespaces=(),
    )

    def plain(self) -> dict[str, Any]:
        """Plain JSON types."""
        return self.model_dump(mode="json")


class ExtendedFacts(Facts):
    """A part of a record that has gained fields since the first files were written."""

    LEFT_OUT: ClassVar[frozenset[str]]
    """Fields that a file omits if they are None, as files from before these fields do."""

    @model_serializer(mode="wrap")
    def _without_what_is_left_out(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        made: dict[str, Any] = plain(self)
        return {k: v for k, v in made.items() if v is not None or k not in self.LEFT_OUT}
