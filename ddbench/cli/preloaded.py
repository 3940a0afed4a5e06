"""Imports what every run imports sooner or later, for the process that workers are forked from."""

from __future__ import annotations

import matplotlib.backends.backend_agg  # noqa: F401
import safetensors.torch  # noqa: F401
import torch._dynamo  # noqa: F401 (which optimisers import at their first step)

from ..runs.registries import REGISTRIES
from . import cell  # noqa: F401

for _registry in REGISTRIES.values():
    _registry.loadable()
