"""Checkpoints: when they are written, what they restore, and what they refuse."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.errors import UserError
from ddbench.runtime.checkpoint import Checkpoint
from ddbench.runtime.device import Execution

STATE = {"images": torch.arange(4.0), "done": 3, "curve": [{"loss": 0.5}], "name": None}


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def checkpoint(path: Path, threads: int = 1, given: bool = False, seconds: float = 0) -> Checkpoint:
    return Checkpoint(
        path / "a.checkpoint", seconds, Execution(torch.device("cpu"), threads, given)
    )


def test_state_comes_back_as_it_was(tmp_path: Path) -> None:
    checkpoint(tmp_path).save(STATE)
    loaded = checkpoint(tmp_path).load()
    assert loaded is not None
    assert torch.equal(loaded.pop("images"), torch.arange(4.0))
    assert loaded == {"done": 3, "curve": [{"loss": 0.5}], "name": None}


def test_full_disk_leaves_the_earlier_state_and_is_said_as_such(tmp_path: Path) -> None:
    checkpoint(tmp_path).save(STATE)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            checkpoint(tmp_path).save({"images": torch.zeros(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["a.checkpoint"]
    loaded = checkpoint(tmp_path).load()
    assert loaded is not None
    assert loaded["done"] == 3


def test_nothing_saved_is_nothing_loaded(tmp_path: Path) -> None:
    assert checkpoint(tmp_path).load() is None


def test_saves_are_as_rare_as_asked(tmp_path: Path) -> None:
    asked: list[int] = []

    def state() -> dict[str, Any]:
        asked.append(1)
        return STATE

    rare, always = checkpoint(tmp_path, seconds=1000), checkpoint(tmp_path, seconds=0)
    for _ in range(3):
        if rare.due:
            rare.save(state())
    assert not asked
    for _ in range(3):
        if always.due:
            always.save(state())
    assert len(asked) == 3


def test_threads_are_those_of_the_saved_work_until_it_is_done(tmp_path: Path) -> None:
    checkpoint(tmp_path, threads=3).save(STATE)
    torch.set_num_threads(1)
    resumed = checkpoint(tmp_path, threads=1)
    resumed.load()
    assert resumed.execution.threads == torch.get_num_threads() == 3
    resumed.remove()
    assert resumed.execution.threads == torch.get_num_threads() == 1
    assert not list(tmp_path.iterdir())


def test_other_threads_that_were_given_are_refused_in_one_line(tmp_path: Path) -> None:
    checkpoint(tmp_path, threads=3).save(STATE)
    with pytest.raises(UserError, match=r"threads=1: .* begun with threads=3") as refused:
        checkpoint(tmp_path, threads=1, given=True).load()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kept", [0, 1, 3, 10, 100, 500, -1, -30])
def test_cut_checkpoint_is_said_in_one_line(kept: int, tmp_path: Path) -> None:
    whole = checkpoint(tmp_path)
    whole.save(STATE)
    whole.path.write_bytes(whole.path.read_bytes()[:kept])
    with pytest.raises(UserError, match="is damaged; remove it") as refused:
        whole.load()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [[1, 2], {"state": {}}, {"execution": {}, "state": 3}, 5])
def test_file_that_is_no_checkpoint_is_said_in_one_line(content: Any, tmp_path: Path) -> None:
    other = checkpoint(tmp_path)
    torch.save(content, other.path)
    with pytest.raises(UserError, match="is damaged; remove it"):
        other.load()


@pytest.mark.parametrize("data", [b"\x80\x02.", b"garbage" * 20, b"PK\x03\x04" + bytes(100)])
def test_garbage_is_said_in_one_line(data: bytes, tmp_path: Path) -> None:
    other = checkpoint(tmp_path)
    other.path.write_bytes(data)
    with pytest.raises(UserError, match="is damaged; remove it"):
        other.load()


def test_leftovers_of_a_killed_write_are_cleared(tmp_path: Path) -> None:
    (tmp_path / ".a.checkpoint.x1y2").touch()
    assert checkpoint(tmp_path).load() is None
    assert not list(tmp_path.iterdir())


def test_any_flipped_bit_is_noticed(tmp_path: Path) -> None:
    checkpoint(tmp_path).save(STATE)
    path = tmp_path / "a.checkpoint"
    whole = path.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for position in torch.randint(len(whole), (60,), generator=generator).tolist():
        path.write_bytes(
            whole[:position] + bytes([whole[position] ^ 1 << position % 8]) + whole[position + 1 :]
        )
        with pytest.raises(UserError, match=r"a\.checkpoint is damaged; remove it"):
            checkpoint(tmp_path).load()


def test_the_checkpoint_of_other_work_is_refused(tmp_path: Path) -> None:
    checkpoint(tmp_path).save(STATE)
    (tmp_path / "a.checkpoint").rename(tmp_path / "b.checkpoint")
    other = Checkpoint(tmp_path / "b.checkpoint", 0, Execution(torch.device("cpu"), 1))
    with pytest.raises(UserError, match=r"b\.checkpoint is damaged; remove it"):
        other.load()


def test_a_state_of_other_code_is_passed_over_where_that_is_asked(tmp_path: Path) -> None:
    def with_code(digest: str, fresh: bool) -> Checkpoint:
        code = [{"name": "mine", "digest": digest}]
        execution = Execution(torch.device("cpu"), 1, False)
        path = tmp_path / "a.checkpoint"
        return Checkpoint(path, 0, execution, code, lambda before: fresh and before != code)

    with_code("old", fresh=True).save(STATE)
    assert with_code("new", fresh=True).load() is None
    for kept in (with_code("old", fresh=True), with_code("new", fresh=False)):
        loaded = kept.load()
        assert loaded is not None
        assert loaded["done"] == 3
