"""A run that is begun again clears what a killed one left half-written."""

from __future__ import annotations

from ddbench.runs.execute import execute
from ddbench.runs.record_scores import RUN


def test_half_written_files_of_this_run_are_removed_and_those_of_others_stay(tiny, tmp_path):
    request = tiny(tmp_path, "method=random")
    first = execute(request, quiet=True)
    (first.folder / "record.json").unlink()
    (kept,) = (tmp_path / "artefacts" / RUN).glob("*.json")
    own, other = (kept.with_name(f".{stem}.json.x1y2") for stem in (kept.stem, "0" * 24))
    for file in (own, other, first.folder / ".record.json.x1y2"):
        file.write_text("{")
    again = execute(request, quiet=True)
    assert again.record.run == first.record.run
    assert not own.exists()
    assert other.exists()
    assert not (first.folder / ".record.json.x1y2").exists()
