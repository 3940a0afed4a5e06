"""Damaged files, full disks and crashes: reported in one line, nothing lost, the remedy works."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil

import pytest

from ddbench.errors import StopRequested

SOFT = "protocols=[soft]"  # what the run of the fixture `runs` was scored by
AGAIN = (SOFT, "ipc=2")  # another run, for which the label teacher is already there


def one(folder, pattern):
    """The only file of a pattern."""
    (file,) = folder.glob(pattern)
    return file


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def change_a_bit(file):
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def empty(file):
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, empty], ids=lambda damage: damage.__name__)
def test_a_damaged_record_is_named_and_made_again_once_removed(damage, run_tiny, runs):
    record = one(runs, "random-*/record.json")
    whole = json.loads(record.read_text())
    damage(record)
    assert str(record) in run_tiny(SOFT).complaint
    record.unlink()
    assert run_tiny(SOFT).status == 0
    assert json.loads(record.read_text())["measurements"] == whole["measurements"]


def test_a_record_of_another_kind_is_named(run_tiny, runs):
    record = one(runs, "random-*/record.json")
    record.write_text('{"schema": "of tomorrow"}')
    assert str(record) in run_tiny(SOFT).complaint


@pytest.mark.parametrize("kind", ["network", "distilled"])
@pytest.mark.parametrize(
    "damage", [truncate, empty, change_a_bit, os.unlink], ids=lambda damage: damage.__name__
)
def test_damaged_tensors_in_the_store_are_named_with_the_remedy(damage, kind, run_tiny, runs):
    shutil.rmtree(one(runs, "random-*"))
    file = one(runs, f"artefacts/{kind}/*.safetensors")
    damage(file)
    line = run_tiny(SOFT).complaint
    assert str(file) in line
    assert file.with_suffix(".json").name in line


def test_the_remedy_for_damaged_tensors_works(run_tiny, runs, left_behind):
    record = one(runs, "random-*/record.json")
    before = json.loads(record.read_text())["measurements"]
    shutil.rmtree(record.parent)
    file = one(runs, "artefacts/distilled/*.safetensors")
    truncate(file)
    assert run_tiny(SOFT).status == 2
    file.unlink()
    file.with_suffix(".json").unlink()
    assert run_tiny(SOFT).status == 0
    assert json.loads(record.read_text())["measurements"] == before
    assert left_behind() == []


@pytest.mark.parametrize("kind", ["network", "distilled", "score"])
@pytest.mark.parametrize("content", ["", "{", "[]", "null"], ids=repr)
def test_a_damaged_manifest_is_named(content, kind, run_tiny, runs):
    shutil.rmtree(one(runs, "random-*"))
    manifest = one(runs, f"artefacts/{kind}/*.json")
    manifest.write_text(content)
    assert str(manifest) in run_tiny(SOFT).complaint


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04"], ids=repr)
def test_a_damaged_checkpoint_is_named_and_removing_it_helps(content, run_tiny, runs, monkeypatch):
    shutil.rmtree(one(runs, "random-*"))
    manifest = one(runs, "artefacts/network/*.json")
    manifest.unlink()
    checkpoint = manifest.with_suffix(".checkpoint")
    checkpoint.write_bytes(content)
    shutil.rmtree(runs / "artefacts" / "score")
    assert str(checkpoint) in run_tiny(SOFT).complaint
    checkpoint.unlink()
    assert run_tiny(SOFT).status == 0


@pytest.mark.parametrize("good_writes", [2, 4, 6])
def test_a_disk_that_fills_up_is_one_line_and_the_same_command_continues(
    good_writes, run_tiny, runs, left_behind, monkeypatch
):
    sync, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > good_writes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        line = run_tiny(*AGAIN).complaint
    assert "No space left" in line
    assert "make room" in line
    assert left_behind() == []
    assert list(runs.glob("random-digits-ipc2-*/record.json")) == []
    assert run_tiny(*AGAIN).status == 0


def test_a_limit_on_file_size_is_one_line_and_leaves_no_half_file(run_tiny, runs, left_behind):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        line = run_tiny(*AGAIN).complaint
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in line
    assert left_behind() == []
    assert run_tiny(*AGAIN).status == 0


def test_a_finished_run_says_where_its_record_is(run_tiny, runs):
    answer = run_tiny(SOFT)
    assert answer.status == 0
    assert f"finished already: {one(runs, 'random-*/record.json')}" in answer.out
    assert answer.err == ""


@pytest.mark.parametrize(
    "damage", [truncate, empty, change_a_bit, os.unlink], ids=lambda damage: damage.__name__
)
def test_a_finished_run_takes_its_damaged_set_from_the_store(damage, run_tiny, runs):
    file = one(runs, "random-*/distilled.safetensors")
    whole = file.read_bytes()
    damage(file)
    answer = run_tiny(SOFT)
    assert answer.status == 0
    assert "restored from the store" in answer.out + answer.err
    assert file.read_bytes() == whole


@pytest.mark.parametrize("also", [change_a_bit, os.unlink], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("damage", [change_a_bit, os.unlink], ids=lambda damage: damage.__name__)
def test_a_set_that_is_damaged_everywhere_is_named_with_the_remedy(damage, also, run_tiny, runs):
    file = one(runs, "random-*/distilled.safetensors")
    kept = [one(runs, "artefacts/distilled/*.safetensors")]
    damage(file)
    also(kept[0])
    line = run_tiny(SOFT).complaint
    assert str(file) in line
    assert f"remove {file.with_name('record.json')}" in line


@pytest.mark.parametrize(
    ("before", "after"),
    [('"source": "default"', '"source": "defautt"'), ('"wall_seconds": ', '"wall_seconds": 1')],
)
def test_a_record_of_which_a_letter_differs_is_named_and_made_again_once_removed(
    before, after, run_tiny, runs
):
    record = one(runs, "random-*/record.json")
    whole = json.loads(record.read_text())
    text = record.read_text()
    assert before in text
    record.write_text(text.replace(before, after, 1))
    line = run_tiny(SOFT).complaint
    assert str(record) in line
    assert "its checksum differs" in line
    record.unlink()
    assert run_tiny(SOFT).status == 0
    assert json.loads(record.read_text())["method"] == whole["method"]
    assert run_tiny(SOFT).status == 0


def test_a_finished_run_whose_checksum_nobody_kept_is_found(run_tiny, runs):
    one(runs, "artefacts/run/*.json").unlink()  # as after a run of an earlier version
    answer = run_tiny(SOFT)
    assert answer.status == 0
    assert "finished already" in answer.out


def test_a_note_of_how_a_run_began_of_which_a_digit_differs_is_named(run_tiny, runs, monkeypatch):
    folder = one(runs, "random-*")
    (folder / "record.json").unlink()

    def stop(*arguments):
        raise StopRequested(15)

    with monkeypatch.context() as patch:
        patch.setattr("ddbench.runs.execute._run", stop)
        assert run_tiny(SOFT).status == 128 + 15
    file = folder / "execution.json"
    text = file.read_text()
    file.write_text(text.replace('"threads": 1', '"threads": 3'))
    assert str(file) in run_tiny(SOFT).complaint
    values = json.loads(text)
    del values["checksum"]  # as earlier versions wrote it
    file.write_text(json.dumps(values))
    assert run_tiny(SOFT).status == 0


@pytest.mark.parametrize("content", ["null", "3", "[]", '"cpu"', "{}"])
def test_a_damaged_note_of_how_a_run_began_is_named(content, run_tiny, runs):
    folder = one(runs, "random-*")
    (folder / "record.json").unlink()
    (folder / "execution.json").write_text(content)
    assert str(folder / "execution.json") in run_tiny(SOFT).complaint


def test_a_finished_run_is_shown_from_a_disk_that_is_read_only(run_tiny, runs, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system", str(runs))

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    answer = run_tiny(SOFT)
    assert answer.status == 0, answer.err
    assert "finished already" in answer.out
    assert "Read-only file system" in run_tiny(*AGAIN).complaint


def test_running_out_of_memory_is_said_in_words(run_tiny, monkeypatch):
    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr("ddbench.runs.execute.distil", fail)
    answer = run_tiny()
    assert answer.status == 1
    assert "failed: MemoryError: there is not enough memory" in answer.err
