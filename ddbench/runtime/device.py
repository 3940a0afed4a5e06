"""Device and threads. They change bits, so a resumed run must restore them, or it is refused."""

from __future__ import annotations

import os
import platform
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import torch

from ..errors import UserError
from .cores import free_cores, threads_are_given
from .determinism import MATRIX_PRODUCTS
from .heap import keep_freed_memory


@dataclass
class Execution:
    """The device and the number of threads of this process.

    Args:
        device: device of tensors.
        threads: number of torch's CPU threads.
        threads_given: whether the user chose the number of threads.
        nondeterministic: names of operations whose results a repetition may not reproduce, as far
            as torch reports them.
    """

    device: torch.device
    threads: int
    threads_given: bool = False
    nondeterministic: set[str] = field(default_factory=set)

    @classmethod
    def start(cls, device: str = "auto", threads: int | None = None) -> Execution:
        """Choose the device, set the threads and ask torch for repeatable algorithms.

        Args:
            device: "auto" (an accelerator if there is one), "cpu", "cuda", "cuda:1", ….
            threads: number of torch's CPU threads; None: the environment's number, or else torch's
                own, but at most the number of cores that are free now.

        Raises:
            UserError: for a device that this machine does not have.
        """
        late = "CUBLAS_WORKSPACE_CONFIG" not in os.environ and torch.cuda.is_initialized()
        if "CUBLAS_WORKSPACE_CONFIG" not in os.environ:
            if late:
                warnings.warn(
                    "CUDA was in use before: matrix products may not repeat bit for bit; "
                    "start Python with CUBLAS_WORKSPACE_CONFIG=:4096:8",
                    stacklevel=2,
                )
            os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # read when CUDA is first used
        device = device_named(device)
        try:
            chosen = torch.device(device)
            torch.zeros(1, device=chosen).cpu()
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).strip().split("\n")[0].partition(". ")[0]
            raise UserError(f"device={device}: not available on this machine ({reason})") from error
        keep_freed_memory()
        if threads is not None:
            torch.set_num_threads(threads)
        elif not threads_are_given():
            torch.set_num_threads(min(torch.get_num_threads(), free_cores()))
        torch.set_deterministic_debug_mode("warn")  # the alternative imports torch's compiler
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False  # the number format is float32 everywhere
        torch.backends.cuda.matmul.allow_tf32 = False
        broken = {MATRIX_PRODUCTS} if late and chosen.type == "cuda" else set()
        return cls(chosen, torch.get_num_threads(), threads is not None, broken)

    @property
    def device_name(self) -> str:
        """The name of the accelerator or the processor."""
        if self.device.type == "cuda":
            return str(torch.cuda.get_device_name(self.device))
        return _processor()

    def plain(self) -> dict[str, Any]:
        """The facts kept in checkpoints and records."""
        return {
            "device": self.device.type,
            "device_name": self.device_name,
            "threads": self.threads,
            "torch": str(torch.__version__),
            "number_format": "float32",
            **self.accelerator,
            "nondeterministic": sorted(self.nondeterministic),
        }

    @cached_property
    def accelerator(self) -> dict[str, Any]:
        """Versions of CUDA, cuDNN and the driver on a CUDA device; empty on a CPU."""
        if self.device.type != "cuda":
            return {}
        return {
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "driver": self.driver,
        }

    @property
    def driver(self) -> str | None:
        """The version of the accelerator's driver; None on a CPU or if unknown."""
        if self.device.type != "cuda":
            return None
        command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
            return done.stdout.split("\n")[0].strip() or None
        return None

    def continue_from(self, saved: dict[str, Any], path: Path) -> None:
        """Use the threads of saved work, so that its results are reproduced.

        Raises:
            UserError: if the work was done with a device or software that this process lacks.
        """
        remedy = f"or remove {path} to start this part again"
        own = self.plain()
        known = [name for name in self.accelerator if name in saved]  # earlier versions kept none
        for name in ("device", "device_name", "torch", *known):
            if saved.get(name) != own[name]:
                raise UserError(
                    f"this work was begun with {name} {saved.get(name)}, now it is {own[name]}, "
                    f"which changes bits: continue it there, {remedy}"
                )
        threads = saved.get("threads")
        if not isinstance(threads, int) or threads < 1:
            raise UserError(f"{path} is damaged: it names no number of threads")
        if threads != self.threads:
            if self.threads_given:
                raise UserError(
                    f"threads={self.threads}: this work was begun with threads={threads}, "
                    f"which changes bits: give that, {remedy}"
                )
            self.use_threads(threads)
        earlier = saved.get("nondeterministic", [])
        if not isinstance(earlier, list) or not all(isinstance(name, str) for name in earlier):
            raise UserError(f"{path} is damaged: nondeterministic is not a list of operations")
        self.nondeterministic.update(earlier)

    def use_threads(self, threads: int) -> None:
        """Change the number of threads."""
        self.threads = threads
        torch.set_num_threads(threads)


def device_named(device: str) -> str:
    """The named device, with "auto" resolved."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def machine_memory_bytes() -> int:
    """The memory of the machine, or the container's limit if that is lower."""
    there = int(psutil.virtual_memory().total)
    for limit in ("memory.max", "memory/memory.limit_in_bytes"):  # cgroups v2 and v1
        with suppress(OSError, ValueError):
            there = min(there, int(Path("/sys/fs/cgroup", limit).read_text(encoding="ascii")))
    return there


@contextmanager
def process_settings_restored() -> Iterator[None]:
    """Restore torch's thread count and determinism after a run."""
    threads = torch.get_num_threads()
    determinism = torch.get_deterministic_debug_mode()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(determinism)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
