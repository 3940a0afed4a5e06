"""What every part of a run uses besides its task: store, device, costs, console, stop flag."""

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
"""Under which the facts of an artefact name the plugins that made it."""

Product = tuple[dict[str, Any], "Mapping[str, Tensor] | bytes | None"]
"""What is worth knowing of an artefact, in plain JSON types, and its tensors, if it has any."""


class HeldElsewhere(Exception):
    """Another process holds the lock of an artefact that was not to be waited for."""

    def __init__(self, identity: Mapping[str, Any]) -> None:
        super().__init__(f"another process is at work on {identity}")
        self.identity = identity


@dataclass(frozen=True)
class Runtime:
    """What a run uses besides its task.

    Args:
        store: of artefacts.
        execution: device and threads.
        meter: of costs.
        progress: console and log.
        stop: set when a signal asks to stop.
        checkpoint_seconds: least time between two checkpoints.
        ledger: of the networks that are used.
        tracking: the trackers that are told of the run.
        fresh: whether what other code of its plugins made, or may have made, is made anew.
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
            root: of the store.
            device: "auto", "cpu", "cuda", "cuda:1", ….
            threads: of torch on the CPU; None: as `Execution.start` finds.
            checkpoint_seconds: least time between two checkpoints.
            stop: a flag that listens to signals; None: one that nobody sets.
            quiet: write nothing to the console.
            fresh: make anew what other code of its plugins made.
            trackers: that are told of the run, by what messages call them.

        Raises:
            UserError: for a device that is not there, or a folder that cannot be written.
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
        """Tell the trackers something; no cost contains the time that they take."""
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
            kind: of artefact.
            identity: everything that determines its numbers, in plain JSON types.
            what: the artefact in words, for people who wait.
            make: does the work; unfinished state goes to the checkpoint that it is given.
            code: of the plugins that do it.

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
            kind: of artefact.
            identity: everything that determines its numbers, in plain JSON types.
            code: of the plugins that would make it now. Where other code of them made it, it is
                used all the same, and that is said; unless the run makes such things anew.
        """
        found = self.store.find(kind, identity)
        if found is None or self.passes_over(found.facts.get(CODE, ()), code):
            return None
        return found

    def passes_over(self, noted: Iterable[Mapping[str, Any]], code: Iterable[PluginCode]) -> bool:
        """Whether what was made is made anew; where other code made it and it is used, say so.

        Args:
            noted: the code that made it.
            code: what would make it now.
        """
        labels = outdated(noted, code, unknown=self.fresh)
        if labels and not self.fresh:
            told = (
                f"note: the code of {', '.join(labels)} may have changed since what is found here "
                "was made; fresh=true makes it anew"
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
            kind: of artefact.
            identity: of artefact.
            what: the artefact in words, for people who wait.
            waits: whether to wait for another process that holds it.

        Raises:
            HeldElsewhere: where another process holds it, and that is not waited for.
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
        """A pause for another process, which no cost of this one contains.

        Yields a function that lets a moment pass; it raises `StopRequested` when asked to stop.
        """
        self.progress.say(f"another process is at work on {what}; waiting for it")
        with self.meter.measure():
            yield lambda: self.stop.wait(POLL_SECONDS)
