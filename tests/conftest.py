"""Shared fixtures: runs of about a second, in this process or in one that may be killed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packages import Package
from plausible import changed, plausible, write_records
from processes import start_child

if TYPE_CHECKING:
    from ddbench.records.record import Record
    from ddbench.runs.request import RunRequest
    from ddbench.testing import Check

# One thread here and in child processes, unless a test sets its own number: small steps are no
# faster with more, and on shared cores threads that wait for one another take minutes. The
# libraries read this when they are loaded, which is after these lines.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = os.environ.get("DDBENCH_TEST_THREADS", "1")
os.environ["OMP_WAIT_POLICY"] = "passive"  # waiting threads leave the core to others


@pytest.fixture(scope="session")
def tiny() -> Callable[..., RunRequest]:
    """Requests for runs on real digits at the smoke budget, in the store at `root`."""
    from ddbench.testing.common import tiny_request

    return tiny_request


@pytest.fixture(scope="session")
def hold() -> Callable[[Check, str, Path], None]:
    """Check a promise of a plugin; skip the test if the promise does not apply."""
    from ddbench.testing import NotApplicable

    def check(promise: Check, name: str, folder: Path) -> None:
        try:
            promise.run(name, folder)
        except NotApplicable as reason:
            pytest.skip(str(reason))

    return check


@pytest.fixture(scope="session")
def child() -> Callable[..., Any]:
    """Start `main` of child.py in a process of its own; the arguments are those of `main`."""
    return start_child


@pytest.fixture(scope="session")
def make() -> Callable[..., Record]:
    return plausible


@pytest.fixture(scope="session")
def written() -> Callable[..., list[Path]]:
    return write_records


@pytest.fixture(scope="session")
def altered() -> Callable[..., Record]:
    """Replace the values at dotted places of a record."""
    return changed


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """A package of plugins in this process."""
    folder = tmp_path / "packages"
    folder.mkdir()
    made = Package(folder, monkeypatch)
    yield made
    made.forget()
