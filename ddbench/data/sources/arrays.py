"""Arrays passed from Python: `ddbench.run(dataset=(train, test))` stores them by content.

They are in DATA_ROOT/converted/arrays-CONTENT, where CONTENT is a digest of pixels, labels and
class names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...plugins.settings import setting
from ..in_memory import stored_conversion
from ..source import DatasetSettings, DatasetSource, NamedSettings, Split

_CONTENT = re.compile(r"[0-9a-f]{20}")
_AGAIN = "hand the arrays to `ddbench.run(dataset=(train, test))` again"


class ArraysInMemory(DatasetSource):
    """A training and a test split from memory."""

    @dataclass
    class Settings(NamedSettings):
        content: str = setting("", "digest that `ddbench.run` gave the arrays", place=True)

    settings: ArraysInMemory.Settings

    version = 1
    title = "Arrays"
    # Placeholders: an instance takes the values of its arrays.
    channels = 3
    resolution = 32
    class_names: tuple[str, ...] = ("first class", "second class")
    train_size = test_size = 2

    def __init__(self, settings: DatasetSettings, root: Path) -> None:
        super().__init__(settings, root)
        facts = self._facts["train"] if self._is_there else None
        if facts is not None:
            self._take(facts)

    def check(self) -> None:
        """Make sure that the arrays are there.

        Raises:
            UserError: if they are not, or are damaged.
        """
        content = self.settings.content
        if not content:
            raise UserError(
                "dataset arrays: say which with dataset.content=DIGEST, or hand them over in "
                "Python, ddbench.run(dataset=(train, test))"
            )
        if not _CONTENT.fullmatch(content):
            raise UserError(f"dataset.content={content[:40]}: expected 20 hexadecimal digits")
        if not self._is_there:
            folder = stored_conversion(self.root, content, "train").folder
            raise UserError(f"dataset arrays: {folder} is missing or not whole; {_AGAIN}")
        self._take(self._facts["train"])

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, C, H, W), memory-mapped, and class ids (N,), in the order given."""
        return stored_conversion(self.root, self.settings.content, split).open()

    def fingerprint(self, split: Split) -> str | None:
        return str(self._facts[split]["hash"])

    @property
    def _is_there(self) -> bool:
        return bool(_CONTENT.fullmatch(self.settings.content)) and all(self._facts.values())

    @cached_property
    def _facts(self) -> dict[Split, Any]:
        splits: tuple[Split, ...] = ("train", "test")
        content = self.settings.content
        return {s: stored_conversion(self.root, content, s).facts(content) for s in splits}

    def _take(self, facts: dict[str, Any]) -> None:
        self.train_size, self.channels, self.resolution, _ = facts["shape"]
        self.test_size = self._facts["test"]["shape"][0]
        self.class_names = tuple(facts["class_names"])
