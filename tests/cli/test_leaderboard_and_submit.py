"""`ddbench submit` and `ddbench leaderboard`: from a finished run to tables in a repository."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.records.record import Record
from ddbench.store.files import digest, write_json


@pytest.fixture
def run(runs) -> Path:
    """The folder of a finished run."""
    (folder,) = (path.parent for path in runs.glob("*/record.json"))
    return folder


@pytest.fixture
def submit(command, tmp_path):
    return lambda *words: command("submit", *map(str, words), f"repository={tmp_path / 'mine'}")


def results(tmp_path) -> list[Path]:
    return sorted((tmp_path / "mine").rglob("*.json"))


def rewrite(run: Path, **changes) -> None:
    plain = json.loads((run / "record.json").read_text())
    for place, value in changes.items():
        *path, last = place.split("__")
        inside = plain
        for step in path:
            inside = inside[int(step) if step.isdigit() else step]
        inside[last] = value
    write_json(run / "record.json", plain)


def test_a_run_is_scored_again_and_submitted_with_its_picture(submit, run, tmp_path):
    answer = submit(run, "threads=1")
    assert answer.status == 0, answer.err
    assert "network 0 under soft/1" in answer.out
    (target,) = results(tmp_path)
    assert Record.load(target) == Record.load(run / "record.json")
    with Image.open(tmp_path / "mine" / "leaderboards" / "galleries" / f"{run.name}.png") as image:
        assert image.format == "PNG"
        assert not image.info


def test_submitting_again_changes_nothing(submit, run, tmp_path):
    assert submit(run.name, "rescore=false").status == 0
    before = [path.read_bytes() for path in results(tmp_path)]
    answer = submit(run / "record.json", "rescore=false")
    assert (answer.status, "submitted already" in answer.out) == (0, True)
    assert [path.read_bytes() for path in results(tmp_path)] == before


def test_a_score_that_does_not_come_back_is_refused(submit, run, tmp_path):
    plain = json.loads((run / "record.json").read_text())
    (values,) = [m["values"] for m in plain["measurements"] if m["metric"] == "accuracy"]
    claimed = [min(1.0, value + 0.3) for value in values]
    index = next(i for i, m in enumerate(plain["measurements"]) if m["metric"] == "accuracy")
    rewrite(run, **{
        f"measurements__{index}__values": claimed,
        f"measurements__{index}__value": sum(claimed) / len(claimed),
    })  # fmt: skip
    answer = submit(run, "threads=1")
    assert answer.status == 1
    assert "more than 3.0 points apart" in answer.err
    assert results(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"distilled__sha256": "0" * 64}, "is not the set of the record"),
        ({"task__ipc": 7}, "ipc is 1, the record says 7"),
        (
            {"task__ipc": 7, "task__class_counts": [1, 7, *[1] * 8]},
            "ipc is 1, the record says 1 to 7",
        ),
        ({"task__dataset__name": "mnist5k"}, "dataset is digits, the record says mnist5k"),
        ({"distilled__storage_bytes": 7}, "storage"),
        ({"distilled__file_bytes": 7}, "file is"),
        ({"schema": "ddbench-record/0"}, "schema"),
        ({"protocols": [{"name": "soft"}]}, "protocols.0.version is missing"),
        ({"name": "../../x"}, "name='../../x'"),
        ({"measurements": []}, "no accuracy"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_record_that_does_not_fit_its_set_is_one_line(changes, told, submit, run, tmp_path):
    rewrite(run, **changes)
    assert told in submit(run, "rescore=false").complaint
    assert results(tmp_path) == []


def test_held_out_images_do_not_enter(submit, run):
    rewrite(run, task__validation=0.1, data__scored_split="validation", measurements=[])
    assert "held-out" in submit(run, "rescore=false").complaint


def test_a_set_that_was_changed_is_refused(submit, run):
    file = run / "distilled.safetensors"
    changed = DistilledSet.load(file)
    changed = dataclasses.replace(changed, images=changed.images + 1e-3)
    file.write_bytes(changed.to_bytes())
    assert "is not the set of the record" in submit(run, "rescore=false").complaint
    assert digest(file.read_bytes())[:12] in submit(run, "rescore=false").complaint


def test_a_set_beside_another_record_is_given_by_name(submit, run, tmp_path):
    (run / "distilled.safetensors").rename(tmp_path / "set.safetensors")
    assert "distilled=FILE" in submit(run, "rescore=false").complaint
    words = (run, "rescore=false", f"distilled={tmp_path / 'set.safetensors'}")
    assert submit(*words).status == 0


def test_a_picture_that_is_none_is_refused(submit, run):
    (run / "gallery.png").write_text("<svg onload=alert(1)>")
    assert "is not a PNG image" in submit(run, "rescore=false").complaint


def test_another_record_of_the_same_name_is_refused(submit, run):
    assert submit(run, "rescore=false").status == 0
    rewrite(run, finished="2027-01-01T00:00:00+00:00")
    assert "records never change" in submit(run, "rescore=false").complaint


@pytest.fixture
def sibling(run):
    """Copy the run under another seed, with other accuracies unless told otherwise."""

    def copy(seed: int, shift: float = 0.01, images: float = 1e-3) -> Path:
        place = run.with_name(f"{run.name}-copy{seed}")
        shutil.copytree(run, place)
        if images:
            changed = DistilledSet.load(place / "distilled.safetensors")
            changed = dataclasses.replace(changed, images=changed.images + images * (1 + seed))
            (place / "distilled.safetensors").write_bytes(changed.to_bytes())
        plain = json.loads((place / "record.json").read_text())
        for m in plain["measurements"]:
            if m["metric"] == "accuracy":
                m["values"] = [value - shift * (1 + seed) for value in m["values"]]
                m["value"] = sum(m["values"]) / len(m["values"])
        data = (place / "distilled.safetensors").read_bytes()
        plain["distilled"] |= {"sha256": digest(data), "file_bytes": len(data), "key": "c" * 24}
        plain["task"]["seed"] += 1 + seed
        plain["run"] = f"{seed}" * 24
        plain["name"] = place.name
        write_json(place / "record.json", plain)
        return place

    return copy


def test_many_runs_are_submitted_at_once(submit, run, sibling, tmp_path):
    answer = submit(run, sibling(1), sibling(2), "rescore=false")
    assert answer.status == 0, answer.err
    assert len(results(tmp_path)) == 3
    assert "3 of 3 runs submitted" in answer.out


def test_of_many_runs_none_is_submitted_where_one_does_not_fit_its_set(
    submit, run, sibling, tmp_path
):
    other = sibling(1)
    rewrite(other, distilled__sha256="0" * 64)
    assert "is not the set of the record" in submit(run, other, "rescore=false").complaint
    assert results(tmp_path) == []
    assert "given once" in submit(run, run, "rescore=false").complaint
    assert "one record" in submit(run, other, "distilled=x", "rescore=false").complaint


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "one after the other"])
def test_seeds_with_the_same_images_raise_an_alarm(apart, submit, run, sibling, tmp_path):
    other = sibling(1, images=0.0)
    if apart:
        assert submit(run, "rescore=false").status == 0
    words = (*([] if apart else [run]), other, "rescore=false")
    answer = submit(*words)
    assert answer.status == 1
    assert f"alarm: {other.name}: seeds" in answer.err
    assert "the same images" in answer.err
    assert "anyway=true" in answer.err
    assert len(results(tmp_path)) == (1 if apart else 0)
    answer = submit(*words, "anyway=true")
    assert (answer.status, "alarm:" in answer.err) == (0, True)
    assert len(results(tmp_path)) == 2


def test_tables_follow_a_submission_and_are_checked(submit, command, run, tmp_path):
    assert submit(run, "rescore=false").status == 0
    repository = f"repository={tmp_path / 'mine'}"
    place = tmp_path / "mine" / "leaderboards"
    stale = command("leaderboard", "--check", repository)
    assert stale.status == 1
    assert "scores.csv is not what the records give" in stale.err
    assert not (place / "tables").exists()
    answer = command("leaderboard", repository)
    assert answer.status == 0, answer.err
    assert "random/1" in (place / "tables" / "boards" / "digits.md").read_text()
    assert list((place / "tables" / "pictures").glob("*.png"))
    assert (place / "index.html").exists()
    assert command("leaderboard", "--check", repository).status == 0


def test_the_working_directory_is_the_usual_repository(command, run, runs, tmp_path):
    assert command("leaderboard", str(runs), "pictures=false", "page=false").status == 0
    assert (tmp_path / "leaderboards" / "tables" / "scores.csv").exists()
    assert not list((tmp_path / "leaderboards").rglob("*.png"))


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("{", ""),
        ('"device_name": "', '"device_name": "\\ud800'),
        ('"wall_seconds": ', '"wall_seconds": 1e999, "more": '),
    ],
    ids=["no JSON", "lone surrogate", "infinite"],
)
def test_a_damaged_record_is_named_and_the_rest_is_built(
    submit, command, run, tmp_path, there, instead
):
    assert submit(run, "rescore=false").status == 0
    place = tmp_path / "mine" / "leaderboards"
    (place / "results" / "bad.json").write_text(
        (run / "record.json").read_text().replace(there, instead)
    )
    for words in ([], ["--check"]):
        answer = command("leaderboard", *words, f"repository={tmp_path / 'mine'}", "pictures=false")
        assert answer.status == 1
        assert "bad.json" in answer.err
        assert "1 of 2 records enter" in answer.out
    assert "random/1" in (place / "tables" / "boards" / "digits.md").read_text()
