"""Keys, artefacts that are whole or absent, locks, and messages for damaged files."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.errors import UserError
from ddbench.store import files
from ddbench.store.files import digest
from ddbench.store.store import Artefact, Store, key_of, remove_leftovers

MADE_FROM: dict[str, Any] = {"method": "apm", "settings": {"rate": 1.0, "epochs": [1, 2]}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def artefact(store: Store) -> Artefact:
    return store.save("teacher", MADE_FROM, {"accuracy": 0.5}, {"w": torch.arange(3.0)})


def test_key_does_not_depend_on_order() -> None:
    turned = {"settings": {"epochs": [1, 2], "rate": 1.0}, "method": "apm"}
    assert key_of(turned) == key_of(MADE_FROM)
    assert len(key_of(MADE_FROM)) == 24


@pytest.mark.parametrize(
    "other",
    [
        {},
        {**MADE_FROM, "method": "dm"},
        {**MADE_FROM, "seed": 0},
        {**MADE_FROM, "settings": {"rate": 1.0, "epochs": [2, 1]}},
        {**MADE_FROM, "settings": {"rate": 1.0000000000000002, "epochs": [1, 2]}},
        {**MADE_FROM, "settings": {"rate": None, "epochs": [1, 2]}},
        {**MADE_FROM, "settings": {"rate": "1.0", "epochs": [1, 2]}},
        {"method": "apm", "rate": 1.0, "epochs": [1, 2]},
    ],
)
def test_key_depends_on_every_value_name_and_level(other: dict[str, Any]) -> None:
    assert key_of(other) != key_of(MADE_FROM)


def test_key_of_what_is_not_plain_is_refused() -> None:
    with pytest.raises(TypeError):
        key_of({"device": torch.device("cpu")})


def test_artefact_is_found_by_what_it_was_made_from(store: Store, artefact: Artefact) -> None:
    found = store.find("teacher", MADE_FROM)
    assert found == artefact
    assert store.by_key("teacher", artefact.key) == artefact
    assert torch.equal(store.tensors(artefact)["w"], torch.arange(3.0))
    assert artefact.facts["accuracy"] == 0.5
    assert artefact.facts["bytes"] == store.file(artefact).stat().st_size
    assert store.find("teacher", {**MADE_FROM, "seed": 1}) is None
    assert store.find("score", MADE_FROM) is None


def test_artefact_without_tensors_has_no_file(store: Store) -> None:
    assert store.save("score", MADE_FROM, {"accuracy": 0.5}).path is None


def test_artefact_whose_manifest_is_not_written_yet_is_not_found(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ddbench.store.store.write_json", full)
    with pytest.raises(OSError, match="No space"):
        store.save("teacher", MADE_FROM, {}, {"w": torch.zeros(1)})
    assert store.find("teacher", MADE_FROM) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"facts": 3}', "\x00\xff", "[" * 100_000])
def test_damaged_manifest_is_said_in_one_line(text: str, store: Store, artefact: Artefact) -> None:
    manifest = store.root / "artefacts" / "teacher" / f"{artefact.key}.json"
    manifest.write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=r"is damaged.*remove it to make it again") as refused:
        store.find("teacher", MADE_FROM)
    assert "\n" not in str(refused.value)


def test_damaged_or_missing_tensors_are_said_in_one_line(store: Store, artefact: Artefact) -> None:
    assert artefact.path is not None
    data = bytearray(artefact.path.read_bytes())
    data[-1] ^= 1
    artefact.path.write_bytes(data)
    with pytest.raises(UserError, match="checksum differs"):
        store.tensors(artefact)
    artefact.path.unlink()
    with pytest.raises(UserError, match="is missing"):
        store.file(artefact)


def test_interrupted_write_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    files.write_bytes(path, b"old")

    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            files.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    files.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


def test_written_files_have_the_permissions_of_ordinary_ones(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    files.write_bytes(tmp_path / "written", b"")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "written")]
    assert modes[0] == modes[1]


def test_leftovers_of_one_artefact_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".aa.json.x1", ".aa.safetensors.x2", ".ab.json.x3", "aa.json"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, "aa")
    assert sorted(one.name for one in tmp_path.iterdir()) == [".ab.json.x3", "aa.json"]


def test_lock_is_held_by_one_at_a_time(store: Store) -> None:
    held = store.try_lock("network", MADE_FROM)
    assert held is not None
    assert store.try_lock("network", MADE_FROM) is None
    other = store.try_lock("network", {**MADE_FROM, "index": 1})
    assert other is not None
    other.release()
    held.release()
    again = store.try_lock("network", MADE_FROM)
    assert again is not None
    again.release()


def test_lock_of_a_killed_process_is_free(
    store: Store, tiny: Callable[..., Any], child: Callable[..., Any], tmp_path: Path
) -> None:
    request = tiny(store.root, "method=random", "protocols=[hard]", "control=null")
    process = child(request, tmp_path / "out", ("ddbench.runtime.progress:Phase.advance", 1, 9))
    process.join(60)
    assert process.exitcode == -9
    (lock_file,) = store.root.glob("artefacts/run/*.lock")
    from filelock import FileLock

    with FileLock(lock_file, timeout=0):
        pass


def test_manifest_says_what_it_was_made_from(store: Store, artefact: Artefact) -> None:
    manifest = store.root / "artefacts" / "teacher" / f"{artefact.key}.json"
    assert json.loads(manifest.read_text())["made_from"] == MADE_FROM


def test_store_in_a_place_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write to"):
        Store(tmp_path / "file" / "runs")


def test_digest_of_parts_is_that_of_the_whole() -> None:
    parts = [b"ab", memoryview(b"c"), b""]
    assert digest(*parts) == digest(b"abc") == hashlib.sha256(b"abc").hexdigest()


def manifests(store: Store) -> list[Path]:
    return sorted((store.root / "artefacts").glob("*/*.json"))


def test_a_fact_that_changed_after_it_was_written_is_noticed(store: Store) -> None:
    store.save("score", {"network": 0}, {"accuracy": 0.25})
    (manifest,) = manifests(store)
    manifest.write_text(manifest.read_text().replace("0.25", "0.75"))
    with pytest.raises(UserError, match="is damaged; remove it to make it again"):
        store.find("score", {"network": 0})


def test_two_manifests_that_changed_places_are_noticed(store: Store) -> None:
    for network in (0, 1):
        store.save("score", {"network": network}, {"accuracy": network / 4})
    first, second = manifests(store)
    texts = first.read_text(), second.read_text()
    first.write_text(texts[1])
    second.write_text(texts[0])
    for network in (0, 1):
        with pytest.raises(UserError, match="is damaged"):
            store.find("score", {"network": network})


def test_manifests_of_earlier_versions_are_found(store: Store) -> None:
    store.save("score", {"network": 0}, {"accuracy": 0.25})
    (manifest,) = manifests(store)
    entry = json.loads(manifest.read_text())
    del entry["checksum"]
    manifest.write_text(json.dumps(entry))
    found = store.find("score", {"network": 0})
    assert found is not None
    assert found.facts == {"accuracy": 0.25}


def test_whichever_bit_of_a_manifest_differs_it_is_damaged_or_says_the_same(
    store: Store, artefact: Artefact
) -> None:
    (manifest,) = manifests(store)
    whole = manifest.read_bytes()
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        manifest.write_bytes(changed)
        refused = ""
        try:
            assert store.find("teacher", MADE_FROM) == artefact, place
        except UserError as error:
            refused = str(error)
        assert not refused or refused.startswith(f"{manifest} is damaged"), place


def test_a_manifest_that_cannot_be_read_is_said_in_one_line(
    store: Store, artefact: Artefact
) -> None:
    (manifest,) = manifests(store)
    manifest.unlink()
    manifest.mkdir()
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\)"):
        store.find("teacher", MADE_FROM)
