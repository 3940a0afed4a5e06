"""Scoring a set and its control, and writing the record."""

from __future__ import annotations

from pathlib import Path

from ..distilling.distilled_set import DistilledSet
from ..distilling.loop import Distillation
from ..records.cost import SCORE, SCORED_DATA, Phase, PhaseCost
from ..records.record import Record, largest_contained
from ..records.report import report
from ..store.files import digest, json_bytes, write_bytes
from ..teachers.ledger import pools
from ..training.lab import Lab
from .assemble_record import Subject, assemble_record
from .estimate import paper_seconds
from .evaluate_all import evaluate_all, finished_run
from .request import RunRequest
from .run_state import RUN


def record_scores(
    request: RunRequest,
    lab: Lab,
    folder: Path,
    subject: Subject,
    distilled: DistilledSet,
    costs: dict[Phase, PhaseCost],
    making: Distillation | None = None,
) -> Record:
    """Score a set with all requested evaluators, write `record.json`, and print the report.

    Args:
        request: names the evaluators, protocols, control and budget.
        lab: the lab in which students are trained.
        folder: destination of the record and the evaluators' figures.
        subject: the record's facts about the set.
        distilled: the set.
        costs: costs so far, by phase; those of scoring are added.
        making: the distillation that made the set; None for a set made elsewhere.
    """
    runtime, progress = lab.runtime, lab.runtime.progress
    finished, control = finished_run(
        request, lab, subject.method.name, distilled, costs, making=making
    )
    with runtime.ledger.recording() as used, lab.dataset.scoring():
        with runtime.meter.measure() as costs[SCORED_DATA]:
            lab.data.scored.prepare()
        scored = {"scored_split": finished.split, "scored_hash": lab.data.scored.split.hash}
        measurements, evaluators = evaluate_all(request, finished, folder)
    for_scoring = pools(used)
    costs |= {Phase(pool["stream"], "scored"): PhaseCost(**pool["cost"]) for pool in for_scoring}
    if finished.scored:
        costs[SCORE] = PhaseCost.total(score.cost for score in finished.scored.values())
    record = assemble_record(
        request,
        lab,
        subject,
        control=control,
        costs=costs,
        scored_pools=for_scoring,
        measurements=measurements,
        evaluators=evaluators,
        scored=scored,
        paper_seconds=None if making is None else paper_seconds(request, lab, costs),
    )
    others = request.runs_root.glob(
        f"{record.method.name}-*{record.task.dataset.name}-*/record.json"
    )
    record = record.model_copy(update={"supersedes": largest_contained(record, others)})
    data = json_bytes(record.plain())
    runtime.store.save(RUN, {RUN: record.run}, {"record_sha256": digest(data)})
    write_bytes(folder / "record.json", data)
    runtime.tell(lambda tracker: tracker.recorded(record))
    progress.say(f"\n{report(record)}\n\nrecord: {folder / 'record.json'}")
    return record
