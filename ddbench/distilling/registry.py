"""The methods, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plugins.registry import Registry

if TYPE_CHECKING:
    from .method import Method


METHODS: Registry[Method] = Registry(
    "method", "ddbench.methods", "ddbench.distilling.method:Method", "ddbench.methods"
)
