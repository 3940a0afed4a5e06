"""Run the cells of a sweep with a Hydra launcher, such as submitit's for a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra import compose, initialize_config_module
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from ..errors import StopRequested, UserError, in_words, shortened
from ..plugins.presets import given_folder, searching
from ..runs.compose import CONFIG_MODULE, CONFIG_NAME, composition_error, search_path
from ..runs.overrides import as_overrides
from ..runs.request import request_from
from ..runtime.output import steady_output
from .cell import Cell, Sweep, do_cell
from .ending import note


@dataclass(frozen=True)
class Task:
    """What a launcher calls, in this process or elsewhere, with a cell's configuration.

    Args:
        cells: the cells by their words.
        sweep: the sweep they belong to.
        config_dir: the user's own folder of recipes and experiments, if one is searched.
        quiet: print nothing about a cell but what goes wrong.
    """

    cells: dict[tuple[str, ...], Cell]
    sweep: Sweep
    config_dir: Path | None
    quiet: bool

    def __call__(self, config: DictConfig) -> None:
        """Do the cell that has this configuration.

        Raises:
            SystemExit: when asked to stop; nothing that a launcher takes for a failure.
        """
        settings = HydraConfig.get()
        cell = self.cells[tuple(settings.overrides.task)]
        try:
            with steady_output(), searching(self.config_dir):
                choices = settings.runtime.choices
                do_cell(cell, self.sweep, lambda: request_from(config, choices), self.quiet)
        except StopRequested as stop:
            note("stopped; the same command continues the run")
            raise SystemExit(128 + stop.signal_number) from None


def do_by_launcher(
    cells: Sequence[Cell], sweep: Sweep, launching: Sequence[str], quiet: bool = False
) -> None:
    """Do cells with the chosen launcher, and wait until it reports that they have ended.

    A launcher that fails is reported in one line: the cells that ended have written how.

    Args:
        cells: the cells to do.
        sweep: the sweep they belong to.
        launching: words for Hydra, such as "hydra/launcher=joblib".
        quiet: print nothing about a cell but what goes wrong.

    Raises:
        UserError: for a launcher that is missing or does not work on this machine.
    """
    # Elsewhere the environment may name another folder.
    root = as_overrides({"runs_root": sweep.root})
    by_words = {(*cell.words, *root): cell for cell in cells}
    own = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module(CONFIG_MODULE, job_name="ddbench", version_base="1.3"):
            launcher = _launcher(Task(by_words, sweep, given_folder(), quiet), launching)
            try:
                launcher.launch([list(words) for words in by_words], initial_job_idx=0)
            except SystemExit as stop:  # of a cell in this process
                raise StopRequested(int(stop.code or 0) - 128) from stop
            except Exception as error:  # from any library; its own process may have been killed
                note(f"{' '.join(launching)}: the launcher ended with {shortened(in_words(error))}")
    finally:
        GlobalHydra.instance().hydra = own


def _launcher(task: Task, launching: Sequence[str]) -> Launcher:
    """The launcher, ready to start cells."""
    own = {"hydra.sweep.dir": task.sweep.folder / "launcher"}
    words = [*launching, *search_path(), *as_overrides(own)]
    try:
        config = compose(CONFIG_NAME, words, return_hydra_config=True)
        context = HydraContext(GlobalHydra.instance().config_loader(), Callbacks())
        return Plugins.instance().instantiate_launcher(context, task, config)
    except (HydraException, OmegaConfBaseException) as error:
        raise composition_error(error) from error
    except (ImportError, RuntimeError) as error:
        raise UserError(f"{' '.join(launching)}: {shortened(in_words(error))}") from error
