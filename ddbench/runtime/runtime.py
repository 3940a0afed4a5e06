"""What all parts of a run use besides the task: store, device, costs, console, stop flag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..plugins.source_code import PluginCode, outdated
from ..store.store import Artefact, Store
from .checkpoint import Checkpoint
from .device import Execution
from .interrupt import StopFlag
from .ledger import Ledger
from .meters import CostMeter
from .progress import Progress
from .tracking import Tracker, Tracking

if TYPE_CHECKING:
    from torch import Tensor

POLL_SECONDS = 0.2

CODE = "code"
"""The key of an artefact's facts that lists the plugins that made it."""

Product = tuple[dict[str, Any], "Mapping[str, Tensor] | bytes | None"]
"""Facts about an artefact, in plain JSON types, and its tensors, if it has any."""


class HeldElsewhere(Exception):
    """Another process holds an artefact's lock, and the caller does not wait for it."""

    def __init__(self, identity: Mapping[str, Any]) -> None:
        super().__init__(f"another process is working on {identity}")
        self.identity = identity


@dataclass(frozen=True)
class Runtime:
    """What a run uses besides its task.

    Args:
        store: store of artefacts.
        execution: device and threads.
        meter: meter of costs.
        progress: console and log.
        stop: flag that is set when a signal asks to stop.
        checkpoint_seconds: minimum time between two checkpoints.
        ledger: ledger of the networks that are used.
        tracking: the run's trackers.
        fresh: whether to make again what different code of its plugins made, or may have made.
    """

    store: Store
    execution: Execution
    meter: CostMeter
    progress: Progress
    stop: StopFlag
    checkpoint_seconds: float = 60.0
    ledger: Ledger = field(default_factory=Ledger)
    tracking: Tracking = field(default_factory=Tracking)
    fresh: bool = False
    _said: set[str] = field(default_factory=set)

    @classmethod
    def start(
        cls,
        root: Path,
        device: str = "auto",
        threads: int | None = None,
        checkpoint_seconds: float = 60.0,
        *,
        stop: StopFlag | None = None,
        quiet: bool = False,
        fresh: bool = False,
        trackers: Mapping[str, Tracker] | None = None,
    ) -> Runtime:
        """Choose the device and open the store.

        Args:
            root: folder of the store.
            device: "auto", "cpu", "cuda", "cuda:1", ….
            threads: number of torch's CPU threads; None: as `Execution.start` chooses.
            checkpoint_seconds: minimum time between two checkpoints.
            stop: a flag that listens to signals; None: a flag that is never set.
            quiet: write nothing to the console.
            fresh: make again what different code of its plugins made.
            trackers: the run's trackers, by their names in messages.

        Raises:
            UserError: for a device that does not exist, or a folder that cannot be written.
        """
        store, execution = Store(root), Execution.start(device, threads)
        meter, progress = CostMeter(execution.device), Progress(quiet=quiet)
        stop = stop or StopFlag()
        tracking = Tracking(dict(trackers or {}), progress.say)
        return cls(
            store,
            execution,
            meter,
            progress,
            stop,
            checkpoint_seconds,
            tracking=tracking,
            fresh=fresh,
        )

    def tell(self, tell: Callable[[Tracker], None]) -> None:
        """Notify the trackers; the time that they take is not part of any cost."""
        if self.tracking.trackers:
            with self.meter.measure():
                self.tracking.tell(tell)

    def make_once(
        self,
        kind: str,
        identity: Mapping[str, Any],
        what: str,
        make: Callable[[Checkpoint], Product],
        code: Sequence[PluginCode] = (),
    ) -> Artefact:
        """Find an artefact, or make it while no other process makes the same one.

        Args:
            kind: kind of artefact.
            identity: everything that determines its numbers, in plain JSON types.
            what: the artefact in words, for the message while waiting.
            make: does the work; it saves unfinished state to the checkpoint that it is given.
            code: code of the plugins that do it.

        Raises:
            StopRequested: when asked to stop.
        """
        with self.locked(kind, identity, what):
            return self.make(kind, identity, make, code)

    def make(
        self,
        kind: str,
        identity: Mapping[str, Any],
        make: Callable[[Checkpoint], Product],
        code: Sequence[PluginCode] = (),
    ) -> Artefact:
        """As `make_once`, for a caller who holds the artefact's lock."""
        found = self.find(kind, identity, code)
        if found is not None:
            return found
        noted = [one.plain() for one in code]
        path = self.store.checkpoint(kind, identity)
        checkpoint = Checkpoint(
            path,
            self.checkpoint_seconds,
            self.execution,
            noted,
            lambda before: self.passes_over(before, code),
        )
        facts, tensors = make(checkpoint)
        if noted:
            facts = {**facts, CODE: noted}
        artefact = self.store.save(kind, identity, facts, tensors)
        checkpoint.remove()
        return artefact

    def find(
        self, kind: str, identity: Mapping[str, Any], code: Iterable[PluginCode] = ()
    ) -> Artefact | None:
        """The artefact with this identity that is to be used, or None.

        Args:
            kind: kind of artefact.
            identity: everything that determines its numbers, in plain JSON types.
            code: code of the plugins that would make it now. If different code of them made it, it
                is still used, with a note, unless `fresh` is set.
        """
        found = self.store.find(kind, identity)
        if found is None or self.passes_over(found.facts.get(CODE, ()), code):
            return None
        return found

    def passes_over(self, noted: Iterable[Mapping[str, Any]], code: Iterable[PluginCode]) -> bool:
        """Whether a product must be made again; if it is used though its code changed, note that.

        Args:
            noted: the code that made it.
            code: the code that would make it now.
        """
        labels = outdated(noted, code, unknown=self.fresh)
        if labels and not self.fresh:
            told = (
                f"note: the code of {', '.join(labels)} may have changed since the stored results "
                "were made; fresh=true makes them again"
            )
            if told not in self._said:
                self._said.add(told)
                self.progress.say(told)
        return bool(labels) and self.fresh

    @contextmanager
    def locked(
        self, kind: str, identity: Mapping[str, Any], what: str, waits: bool = True
    ) -> Iterator[None]:
        """Hold an artefact's lock, so that two processes do not make the same thing twice.

        Args:
            kind: kind of artefact.
            identity: identity of the artefact.
            what: the artefact in words, for the message while waiting.
            waits: whether to wait for another process that holds it.

        Raises:
            HeldElsewhere: if another process holds it and `waits` is False.
            StopRequested: when asked to stop while another process holds it.
        """
        lock = self.store.try_lock(kind, identity)
        if lock is None and not waits:
            raise HeldElsewhere(identity)
        if lock is None:
            with self.waiting(what) as wait:
                while lock is None:
                    wait()
                    lock = self.store.try_lock(kind, identity)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def waiting(self, what: str) -> Iterator[Callable[[], None]]:
        """Wait for another process; the time is not part of any cost.

        Yields a function that waits for a moment; it raises `StopRequested` when asked to stop.
        """
        self.progress.say(f"another process is working on {what}; waiting for it")
        with self.meter.measure():
            yield lambda: self.stop.wait(POLL_SECONDS)
