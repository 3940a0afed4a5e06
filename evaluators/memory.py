"""Peak memory of each phase of making a set, and the bytes of the networks used for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ddbench import Coordinates, Evaluator, FinishedRun, Measurement
from ddbench.figures import COLOURS, new_figure
from ddbench.records.cost import phase_text
from ddbench.records.units import size

from ._phases import MADE_ELSEWHERE, phases

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = {
    "resident set": "resident_peak_bytes",
    "allocated": "allocated_peak_bytes",
    "reserved": "reserved_peak_bytes",
}


class Memory(Evaluator):
    """Peak memory of each phase separately: the peak of one does not hide that of another.

    On an accelerator, the memory of tensors (allocated) and what torch's allocator held for them
    (reserved); everywhere, the resident set of the process, which includes the interpreter, torch
    and the real images. If the system cannot reset the resident peak (Linux can), it is that of the
    whole process so far.
    """

    def skip(self, run: FinishedRun) -> str | None:
        """Nothing is known about a set that comes from a file."""
        return MADE_ELSEWHERE if run.making is None else None

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """Peaks by phase, then the bytes of teachers, experts and of a checkpoint."""
        assert run.making is not None
        device = run.device_name
        measurements = [
            Measurement(
                "peak_memory", float(peak), "bytes", (), {**phase, "of": kind, "on": device}
            )
            for phase, cost in phases(run)
            for kind, name in KINDS.items()
            if (peak := getattr(cost, name)) is not None
        ]
        for pool in run.making.pools:
            where: Coordinates = {"of": pool["stream"], "networks": pool["networks"]}
            measurements.append(Measurement("kept", float(pool["bytes"]), "bytes", (), where))
        state = run.making.state_bytes
        if state is not None:
            where = {"of": "state of the method in a checkpoint"}
            measurements.append(Measurement("kept", float(state), "bytes", (), where))
        return measurements

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """A bar for each phase and kind of memory."""
        peaks = [m for m in measurements if m.metric == "peak_memory" and m.value is not None]
        if not peaks:
            return None
        rows = list(dict.fromkeys(phase_text(m.coordinates) for m in peaks))
        kinds = list(dict.fromkeys(str(m.coordinates["of"]) for m in peaks))
        figure = new_figure(7, 1.2 + 0.3 * len(rows) * (len(kinds) + 0.4))
        axes = figure.subplots()
        height = 0.8 / len(kinds)
        for number, kind in enumerate(kinds):
            own = [m for m in peaks if m.coordinates["of"] == kind]
            places = [
                rows.index(phase_text(m.coordinates)) + (number - (len(kinds) - 1) / 2) * height
                for m in own
            ]
            values = [m.value or 0 for m in own]
            colour = COLOURS[number]
            drawn = axes.barh(
                places, [v / 1e9 for v in values], height * 0.95, color=colour, label=kind
            )
            axes.bar_label(drawn, [size(int(v)) for v in values], padding=4)
        axes.set_yticks(range(len(rows)), rows)
        axes.invert_yaxis()
        axes.margins(x=0.15)
        axes.set_xlabel("peak memory of the phase in GB")
        axes.set_title(str(peaks[0].coordinates["on"]), fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower center", ncols=len(kinds), frameon=False)
        return figure
