"""Tiny runs of one method that check its promises."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from ..distilling.loop import MethodSkips, distil
from ..distilling.method import Method
from ..distilling.registry import METHODS
from ..distilling.task import Task
from ..runs.execute import opened
from ..runs.request import RunRequest
from ..store.store import Store
from ..training.lab import Lab
from .common import tiny_request
from .promise import NotApplicable


def method_request(name: str, store: Path, *overrides: str) -> RunRequest:
    """A tiny run of a method, with a network of 8 channels."""
    request = copy.deepcopy(_composed(METHODS[name], name, overrides))
    return replace(request, runs_root=store)


def made(request: RunRequest, prepare: Callable[[Lab], None] = lambda lab: None) -> Path:
    """The file of the distilled set that a request asks for.

    Args:
        request: a run, of which only the distilling is done.
        prepare: called with the opened lab before distilling.

    Raises:
        NotApplicable: if the method skips the task.
    """
    with opened(request, quiet=True) as (lab, _):
        prepare(lab)
        try:
            distillation = distil(request.method, request.task, lab)
        except MethodSkips as reason:
            raise NotApplicable(str(reason)) from reason
    return Store(request.runs_root).file(distillation.artefact)


@cache
def _composed(plugin: type[Method], name: str, overrides: tuple[str, ...]) -> RunRequest:
    """The request of a class under a name, cached: composing takes as long as a small run."""
    return tiny_request(Path("runs"), f"method={name}", "model.width=8", *overrides)


@contextmanager
def possible_task(request: RunRequest) -> Iterator[Task]:
    """The task of a request, if its method can do it.

    Raises:
        NotApplicable: if the method skips it.
    """
    with opened(request, quiet=True) as (lab, _):
        task = Task(request.task, lab)
        reason = METHODS[request.method.name].reason_to_skip(task)
        if reason:
            raise NotApplicable(reason)
        yield task
