"""Makes plans: what the requested runs would take, with shared work counted once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from omegaconf import DictConfig

from ..distilling.loop import KIND as DISTILLED
from ..distilling.loop import identity_of
from ..runs.assemble_record import folder_name, run_key
from ..runs.compose import composed
from ..runs.request import RunRequest, request_from
from ..runtime.device import process_settings_restored
from ..runtime.progress import Progress
from ..runtime.runtime import Runtime
from ..store.store import key_of
from ..teachers.pool import KIND as NETWORK
from ..teachers.train import network_identity
from ..training.lab import Lab, LabSpec
from ..training.real_data import RealData
from .data_shape import DataShape, data_shape
from .estimate import Estimate, estimates
from .from_records import seconds_per_image
from .measured import Measurer, StepMeasured, TrainingCost, resident_bytes
from .plan import Plan, PlannedRun

NUMBERS = ("ipc", "seed", "group", "network_seed")
"""Keys that select no option, so that they can be set in a composed configuration."""


@dataclass
class Planner:
    """Makes plans.

    Args:
        progress: reports what is measured.
        seconds: time for measuring, for all runs together; what would take longer is left out.
    """

    progress: Progress
    seconds: float
    _resident: int = field(default_factory=resident_bytes)
    _shapes: dict[str, DataShape] = field(default_factory=dict)
    _configs: dict[tuple[str, ...], DictConfig] = field(default_factory=dict)
    _estimated: dict[str, list[Estimate]] = field(default_factory=dict)
    _counted: dict[str, int] = field(default_factory=dict)
    _measured: dict[str, StepMeasured | None] = field(default_factory=dict)
    _unmeasured: dict[str, float] = field(default_factory=dict)

    def plan(self, cells: Iterable[Sequence[str]]) -> Plan:
        """The plan of the runs with these words.

        Raises:
            UserError: for the first mistake in them.
        """
        runs = tuple(self._run(tuple(words)) for words in cells)
        return Plan(runs, sum(self._unmeasured.values()))

    def _run(self, words: tuple[str, ...]) -> PlannedRun:
        request = self._request(words)
        shape = self._shape(request)
        with process_settings_restored():
            lab = None if shape.dataset is None else self._lab(request, shape)
            if lab is not None:
                key = run_key(request, lab)
                folder = request.runs_root / folder_name(request, key)
                if (folder / "record.json").exists():
                    return PlannedRun(words, folder=folder)
        phases = self._phases(request, shape)
        skips = next((p.skips for p in phases if p.skips), None)
        if skips is not None:
            return PlannedRun(words, skips=skips)
        left = [self._left(phase, request, lab) for phase in phases]
        return PlannedRun(words, tuple(left), notes=_notes(request, shape))

    def _phases(self, request: RunRequest, shape: DataShape) -> list[Estimate]:
        """The phases of a run, whatever its seeds."""
        lab = replace(request.task.lab, network_seed=0)
        alike = replace(request, task=replace(request.task, lab=lab, seed=0, group=0))
        place = key_of({"request": repr(alike)})
        if place not in self._estimated:
            measurer = Measurer(request, self._resident)
            training = measurer.training(request, shape)
            step = self._step(measurer, request, shape, training)
            known = seconds_per_image(request.runs_root, request, shape, measurer.execution)
            self._estimated[place] = estimates(request, shape, training, step, known)
        return self._estimated[place]

    def _request(self, words: tuple[str, ...]) -> RunRequest:
        """The request of the words; words that differ only in `NUMBERS` are composed once."""
        parted = [word.partition("=")[::2] for word in words]
        numbers = {key: int(value) for key, value in parted if key in NUMBERS and value.isdecimal()}
        others = tuple(word for word in words if word.partition("=")[0] not in numbers)
        if others not in self._configs:
            self._configs[others] = composed(others)
        config = self._configs[others].copy()
        for key, value in numbers.items():
            config[key] = value
        return request_from(config, config.hydra.runtime.choices)

    def _shape(self, request: RunRequest) -> DataShape:
        lab = request.task.lab
        place = json.dumps([lab.dataset, lab.dataset_settings, lab.validation], sort_keys=True)
        if place not in self._shapes:
            self._shapes[place] = data_shape(lab, request.data_root)
        return self._shapes[place]

    def _lab(self, request: RunRequest, shape: DataShape) -> Lab:
        runtime = Runtime.start(request.runs_root, request.device, request.threads, quiet=True)
        assert shape.dataset is not None
        space = request.task.input_space
        return Lab(request.task.lab, RealData(shape.dataset, space, runtime), runtime)

    def _step(
        self, measurer: Measurer, request: RunRequest, shape: DataShape, training: TrainingCost
    ) -> StepMeasured | None:
        """The cost of a step of the method, if there is time left to measure it."""
        place = key_of(
            {
                "method": request.method.name,
                "settings": request.method.settings.plain(),
                "model": request.task.model.identity,
                "ipc": request.task.ipc,
                "shape": [shape.channels, shape.resolution, shape.classes],
            }
        )
        if place in self._unmeasured:
            return None
        if place not in self._measured:
            takes = measurer.seconds_to_measure(request, shape, training)
            if takes > self.seconds:
                self._unmeasured[place] = takes
                return None
            self.seconds -= takes
            if takes:
                self.progress.say(f"measuring a step of {request.method.name}")
            self._measured[place] = measurer.step(request, shape)
        return self._measured[place]

    def _left(self, phase: Estimate, request: RunRequest, lab: Lab | None) -> Estimate:
        """The part of a phase that is neither done already nor counted in an earlier run."""
        if phase.pool is not None:
            return self._left_of_pool(phase, request, lab)
        if phase.made is None:
            return phase
        if lab is not None:
            identity: Any = identity_of(phase.made, request.task, lab)
            there = lab.runtime.store.find(DISTILLED, identity) is not None
        else:
            identity = [phase.made.name, phase.made.settings.plain(), str(request.task)]
            there = False
        place = key_of({"set": identity})
        if there or place in self._counted:
            return replace(phase, what=f"{phase.what}, made already", seconds=0.0, disk_bytes=0)
        self._counted[place] = 1
        return phase

    def _left_of_pool(self, phase: Estimate, request: RunRequest, lab: Lab | None) -> Estimate:
        pool = phase.pool
        assert pool is not None
        about: Any = lab.identity if lab is not None else _plain_lab(request.task.lab)
        place = key_of({"lab": about, "stream": pool.stream, "recipe": pool.recipe.plain()})
        known = self._counted.get(place, 0)
        if lab is not None:
            found = (
                lab.runtime.store.find(
                    NETWORK, network_identity(lab, pool.stream, pool.recipe, i, pool.watched)
                )
                for i in range(known, pool.networks)
            )
            known += sum(artefact is not None for artefact in found)
        self._counted[place] = max(self._counted.get(place, 0), pool.networks)
        left = max(0, pool.networks - known)
        if left == pool.networks:
            return phase
        share = left / pool.networks
        return replace(
            phase,
            what=f"{phase.what}, {pool.networks - left} there already",
            seconds=(phase.seconds or 0.0) * share,
            disk_bytes=round(phase.disk_bytes * share),
            pool=replace(pool, networks=left) if left else None,
        )


def _notes(request: RunRequest, shape: DataShape) -> tuple[str, ...]:
    """What an estimate does not know."""
    notes = [f"{shape.missing}; sizes are the published ones"] if shape.missing else []
    unknown = [name for name in request.evaluators if name != "accuracy"]
    if unknown:
        notes.append(f"without the cost of evaluators={','.join(unknown)}")
    return (*notes, *request.method.notes)


def _plain_lab(spec: LabSpec) -> dict[str, Any]:
    return {
        "dataset": spec.dataset,
        "settings": spec.dataset_settings,
        "model": spec.model.identity,
        "space": spec.input_space,
        "validation": spec.validation,
        "network_seed": spec.network_seed,
    }
