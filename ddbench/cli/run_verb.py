"""`ddbench run`: one run, a sweep of many, or a study of several sweeps."""

from __future__ import annotations

import textwrap
from argparse import Namespace

from ..errors import UserError
from .parser import VerbParser

SUMMARY = "distil, score beside a control, and leave a record"
DESCRIPTION = """\
Makes a distilled set, scores it beside a control, and leaves a record. The same command given
again continues a run that was stopped or killed, and finds one that is finished.

what to run
  method=NAME         how to distil                      (default apm; `ddbench list methods`)
  dataset=NAME        what to distil                     (default mnist5k; `ddbench list datasets`)
  ipc=N               images per class                   (default 1)
                      max: all training images of each class; [5,3,1]: a number for each class
  ratio=R             in place of ipc: a fraction of the training images of each class, at
                      least one image of each
  model=NAME          auto, narrow, published, or an architecture of `ddbench list models`
                                                         (default auto: narrow on a CPU)
  budget=NAME         smoke, short or paper: how much of the published computation is spent
                                                         (default short)
  seed=N              of distillation                    (default 0)
  network_seed=N      of teachers and of the networks that score   (default 0)
  group=N             disjoint sets of one seed          (default 0)
  validation=F        hold out a fraction of the training images and score on those, never on
                      the test split: for choosing       (default 0)
  input_space=NAME    normalised, zca, zca_relative, or zca_low_rank for images that are too large
                      for zca                            (default: by the method's recipe)
  method.SETTING=V    any setting of the method; `ddbench show method=NAME` lists them
  dataset.SETTING=V   a setting of the dataset: dataset=image_folder dataset.path=FOLDER
                      dataset.resolution=64 dataset.filter=bicubic
  experiment=NAME     a named set of the values above; or a study, which is several sweeps that
                      end in one table (`ddbench list experiments`)

how to score
  protocols=[A,B]     {protocols}
                                                         (default [paper,hard,soft])
  evaluators=[A,B]    or all; evaluators.NAME.SETTING=V  (default [accuracy])
  soft_rate=R         a learning rate for protocol soft, to be tried on validation images
  label_epoch=E       the teacher of protocol early stops after this epoch
  control=NAME        to compare with; null for none     (default random)
  whole=true          also train networks on all real data

where and how
  config_dir=FOLDER   experiments, studies and recipes of your own, as FOLDER/experiment/NAME.yaml
                      (default $DDBENCH_CONFIGS, if set)
  runs_root=FOLDER    records and artefacts              (default $DDBENCH_RUNS, else ./runs)
  data_root=FOLDER    datasets                           (default $DDBENCH_DATA, else a cache)
  device=NAME         auto, cpu, cuda, cuda:1
  trackers=[A,B]      what follows the run: tensorboard, wandb, mlflow, where they are installed
                      (`ddbench list trackers`)
  fresh=true          make again what was made before the code of a plugin changed
  threads=N           CPU threads; they affect rounding, so a stopped run keeps their number
                      (default $OMP_NUM_THREADS, else the cores that are free at the start)
  memory_budget=8GB   most memory that a phase may need, by a measured step: the method's
                      chunks (segment, part) are made small enough, or the run is refused
                                                         (default: any)
  checkpoint_seconds=S  shortest time between checkpoints   (default 60)"""
EXAMPLES = """\
examples
  ddbench run
  ddbench run method=apm dataset=cifar10 ipc=10 budget=paper
  ddbench run method=apm dataset=digits method.iterations=50 method.log_distance=true
  ddbench run method=dm dataset=digits ratio=0.02
  ddbench run -m method=random,apm dataset=digits ipc=1,10 seed=0,1,2
  ddbench run -m method=random,apm seed=0,1,2 workers=2
  ddbench run -m method=random,apm hydra/launcher=submitit_slurm hydra.launcher.gpus_per_node=1

exit status: 0 done, 1 a failure, 2 a mistake in what was asked; 130 or 143 stopped.
"""


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    from ..scoring.protocol_summaries import protocol_summaries

    names = ", ".join(label.partition("/")[0] for label in protocol_summaries())
    wrapped = textwrap.fill(f"{names} (`ddbench list protocols`)", 78, subsequent_indent=" " * 22)
    parser.usage = "ddbench run [-m] [KEY=VALUE ...]"
    parser.description = DESCRIPTION.format(protocols=wrapped)
    parser.epilog = EXAMPLES
    parser.open_keys = True
    parser.words("KEY=VALUE", "as above")
    parser.config_dir()
    help = "a sweep: every value may be a list of values A,B,C"
    parser.add_argument("-m", "--multirun", action="store_true", help=help)
    parser.option(
        "workers",
        "N",
        "cells of a sweep at once on this machine (default: one by one)",
    )
    parser.flag("quiet", "print only errors and, for a sweep, its table")
    parser.set_defaults(work=run)


def run(given: Namespace) -> int:
    """Do what the words say and return an exit status.

    Raises:
        UserError: for a mistake that can be seen before any work.
    """
    workers = None
    if given.workers is not None:
        from .workers import import_beforehand, workers_asked

        workers = workers_asked(given.workers)
        import_beforehand(workers)  # while this process imports the same
    from ..runs.option_groups import study_named
    from ..runs.overrides import readable

    words = readable(given.words)
    study = study_named(words)
    if study is not None:
        from .study_verb import run_study

        return run_study(study, words, workers, given.quiet)
    if given.multirun:
        from .sweep import run_sweep

        return run_sweep(words, workers, given.quiet)
    if workers:
        raise UserError(f"workers={workers}: workers share the cells of a sweep, with -m")
    from .single import run_single

    return run_single(words, given.quiet)
