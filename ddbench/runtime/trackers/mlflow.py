"""MLflow: one MLflow run for each run; MLflow's own variables choose server and experiment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..tracking import NetworkScored, RunBegun, Tracker, means

if TYPE_CHECKING:
    from ...records.record import Record

EXPERIMENT = "ddbench"
"""The default of `MLFLOW_EXPERIMENT_NAME`."""
RUN_ID = "mlflow_run_id.txt"
"""File in the run's folder with the id of the MLflow run, to continue it after a stop."""


class MLflow(Tracker):
    """Logs to the server of `MLFLOW_TRACKING_URI`; a resumed run continues its MLflow run."""

    needs = "mlflow"

    def begun(self, run: RunBegun) -> None:
        import mlflow

        self.folder, self.mlflow = run.folder, mlflow
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT))
        noted = run.folder / RUN_ID
        if noted.exists():
            mlflow.start_run(run_id=noted.read_text(encoding="utf-8"))
            return
        begun = mlflow.start_run(run_name=run.name)
        noted.write_text(begun.info.run_id, encoding="utf-8")
        mlflow.log_params(dict(_flat(run.configuration)))

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        told = {f"distil/{name}": value for name, value in scalars.items()}
        self.mlflow.log_metrics(told, step=step)

    def scored(self, score: NetworkScored) -> None:
        self.mlflow.log_metric(f"accuracy/{score.title}", score.accuracy, step=score.network)

    def recorded(self, record: Record) -> None:
        self.mlflow.log_metrics(means(record))
        for name in ("record.json", "gallery.png"):
            self.mlflow.log_artifact(str(self.folder / name))

    def ended(self, error: BaseException | None) -> None:
        self.mlflow.end_run("FINISHED" if error is None else "FAILED")


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested dicts with the path to each, such as ("task.seed", 0)."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
