"""The command `ddbench`: a verb and its arguments. Nothing heavy is imported to answer --help."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from ..errors import StopRequested, UserError

HELP = """\
ddbench compares methods of dataset distillation.

usage: ddbench VERB [ARGUMENTS]

  run         distil, score beside a control, and leave a record
  show        the settings of a run and where each value comes from, without running it
  list        methods, datasets, evaluators, models, importers, exporters, experiments or runs
  prepare     fetch or convert a dataset's files
  evaluate    score a distilled set from a file
  inspect     what is in a set that others released, and what must be said to import it
  import      make a file of ddbench from a set that others released
  export      write a distilled set as other programs read it
  submit      check a record and put it where leaderboards are made from
  leaderboard tables and a page from a folder of records
  regress     run a small fixed grid and compare it with what it gave before

`ddbench VERB --help` tells more.

examples:
  ddbench run                                       a first run in a few minutes
  ddbench run method=apm dataset=cifar10 ipc=10
  ddbench run -m method=random,apm seed=0,1,2       a sweep of six cells
  ddbench show method=apm dataset=cifar10 ipc=50 budget=paper
  ddbench list methods
  ddbench list runs 'apm-*'
  ddbench prepare cifar10
"""

RUN_HELP = """\
usage: ddbench run [-m] [KEY=VALUE ...]

Makes a distilled set, scores it beside a control, and leaves a record. The same command given
again continues a run that was stopped or killed, and finds one that is finished.

what to run
  method=NAME         how to distil                      (default apm; `ddbench list methods`)
  dataset=NAME        what to distil                     (default mnist5k; `ddbench list datasets`)
  ipc=N               images per class                   (default 1)
  model=NAME          auto, narrow, published, or an architecture of `ddbench list models`
                                                         (default auto: narrow on a CPU)
  budget=NAME         smoke, short or paper: how much of the published computation is spent
                                                         (default short)
  seed=N              of distillation                    (default 0)
  network_seed=N      of teachers and of the networks that score   (default 0)
  group=N             disjoint sets of one seed          (default 0)
  validation=F        hold out a fraction of the training images and score on those, never on
                      the test split: for choosing       (default 0)
  input_space=NAME    normalised, zca or zca_relative    (default: by the method's recipe)
  method.SETTING=V    any setting of the method; `ddbench show method=NAME` lists them
  dataset.SETTING=V   a setting of the dataset: dataset=image_folder dataset.path=FOLDER
                      dataset.resolution=64 dataset.filter=bicubic
  experiment=NAME     a named set of the values above; or a study, which is several sweeps that
                      end in one table (`ddbench list experiments`)

how to score
  protocols=[A,B]     paper, hard, soft, noaug           (default [paper,hard,soft])
  evaluators=[A,B]    or all; evaluators.NAME.SETTING=V  (default [accuracy])
  soft_rate=R         a learning rate for protocol soft, to be tried on validation images
  control=NAME        shown beside it; null for none     (default random)
  whole=true          also train networks on all real data

where and how
  runs_root=FOLDER    records and artefacts              (default $DDBENCH_RUNS, else ./runs)
  data_root=FOLDER    datasets                           (default $DDBENCH_DATA, else a cache)
  device=NAME         auto, cpu, cuda, cuda:1
  threads=N           of the CPU; they change bits, so a stopped run keeps its number
  checkpoint_seconds=S  least time between checkpoints   (default 60)
  -m                  a sweep: every value may be a list of values A,B,C

examples
  ddbench run
  ddbench run method=apm dataset=cifar10 ipc=10 budget=paper
  ddbench run method=apm dataset=digits method.iterations=50 method.log_distance=true
  ddbench run -m method=random,apm dataset=digits ipc=1,10 seed=0,1,2
  ddbench run -m method=random,apm hydra/launcher=joblib hydra.launcher.n_jobs=2 threads=1

exit status: 0 done, 1 a failure, 2 a mistake in what was asked; 130 or 143 stopped.
"""

USAGE = {
    "show": """\
usage: ddbench show [KEY=VALUE ...]

Prints what `ddbench run` with the same keys would do, without doing it: every setting with its
value and where that comes from (given, a published recipe, scaled by the budget, or default).

examples
  ddbench show method=apm
  ddbench show method=apm dataset=cifar10 ipc=50 budget=paper
""",
    "list": """\
usage: ddbench list methods|datasets|evaluators|models|importers|exporters [PATTERN]
       ddbench list experiments [PATTERN]
       ddbench list runs [PATTERN] [runs_root=FOLDER]

examples
  ddbench list datasets
  ddbench list runs 'apm-digits-*'
""",
    "prepare": """\
usage: ddbench prepare DATASET [data_root=FOLDER] [dataset.SETTING=V ...]
       ddbench prepare nas_bench_201 [source=FILE] [data_root=FOLDER]

Downloads a dataset, or converts files that lie in data_root already, and checks them. Given again,
it continues what was interrupted, and checks what is finished.

nas_bench_201 is the truth that architectures are ranked against: a table made once from the
benchmark's own file, NAS-Bench-201-v1_1-096897.pth, or from a CSV with its accuracies.

examples
  ddbench prepare cifar10
  ddbench prepare nas_bench_201 source=NAS-Bench-201-v1_1-096897.pth
  ddbench prepare cifar10 data_root=/data
""",
    "evaluate": """\
usage: ddbench evaluate FILE [KEY=VALUE ...]

Scores a distilled set that anybody made, beside a control. The file says its dataset, images per
class and input space; the other keys are those of `ddbench run`.

examples
  ddbench evaluate set.safetensors
  ddbench evaluate set.safetensors protocols=[hard] budget=paper
""",
    "inspect": """\
usage: ddbench inspect FILE [--picture FILE.png] [--dataset NAME] [data_root=FOLDER]

Says what is in a file or folder that somebody released: shapes, ranges, labels, accuracies that the
authors recorded, what can be inferred, and what a person must say. No code of the file is run.
--picture draws the images under each space that they might be in, side by side; with --dataset
also with each whitening of that dataset undone, which takes a minute or two.

examples
  ddbench inspect images_best.pt
  ddbench inspect images_best.pt --picture spaces.png
""",
    "import": """\
usage: ddbench import FILE -o SET.safetensors --dataset NAME [--like FAMILY] [--OPTION VALUE ...]

Reads a set that somebody released and writes it as a file of ddbench, in the input space that its
students see. What the file does not say must be said; a family says what its files always are. No
code of the file is run.

  --like FAMILY          such as dc, dm, mtt_zca, datm, kip, idc; `ddbench inspect FILE` lists them
  --input_space NAME     pixels, pixels255, normalised, normalised:NAME, normalised:M,M,M/S,S,S,
                         zca, zca_relative, zca_per_image
  --layout L             NCHW or NHWC
  --label_kind K         logits, probabilities or targets
  --ids HOW              argmax or blocks, where the file has no class ids
  --class_order ORDER    dataset, text, or NAME,NAME,...
  --which N              of several sets, counted from 0, or last
  --tiles F              factor of the decoder
  --learned_rate R       of students
  --students_see NAME    the space that pixels are brought to (default: normalised)

examples
  ddbench import res_DM_CIFAR10_ConvNet_1ipc.pt --like dm --dataset cifar10 -o dm.safetensors
  ddbench import images_best.pt --like mtt_zca --dataset cifar10 -o set.safetensors
""",
    "export": """\
usage: ddbench export RUN|FILE --to FORMAT -o TARGET [data_root=FOLDER]

Writes a distilled set, or that of a finished run, as other programs read it: folder and huggingface
are pictures of 8 bits in pixel space, npz, pt, dc and mtt are tensors in the set's own input space.
What a format has no place for is said. `ddbench list exporters` tells what each writes.

examples
  ddbench export distilled.safetensors --to folder -o pictures
  ddbench export runs/apm-digits-ipc1-short-seed0-9eb021f9d5 --to npz -o set.npz
""",
    "regress": """\
usage: ddbench regress [--update --reason TEXT] [repository=FOLDER]

Runs a small fixed grid in a minute or two, from nothing, and compares it with the reference
leaderboards/regression.json. Exit status 0: every accuracy and peak memory lies in its band; 1:
one left it, which is named. --update accepts what is measured now as the new reference.

examples
  ddbench regress
  ddbench regress --update --reason "DM draws its images by class"
""",
    "submit": """\
usage: ddbench submit RUN|FILE [repository=FOLDER] [distilled=FILE] [rescore=false]
                      [runs_root=FOLDER] [data_root=FOLDER]

Checks a finished run (its folder, its name, or its record.json) and its distilled set: schema,
hashes, shapes, and the score of one network, trained anew unless rescore=false. Then it puts the
record into leaderboards/results/ of the repository (default: the working directory), and the
picture of the set into leaderboards/galleries/, ready for a pull request.

examples
  ddbench submit runs/apm-digits-ipc1-short-seed0-9eb021f9d5
  ddbench submit record.json distilled=set.safetensors rescore=false
""",
    "leaderboard": """\
usage: ddbench leaderboard [FOLDER] [--check] [repository=FOLDER] [pictures=false] [page=false]

Makes leaderboards/tables/ and leaderboards/index.html of the repository (default: the working
directory) from its leaderboards/results/, or from any FOLDER of records or of runs. A file that is
damaged or no record is named and left out, and the exit status is 1. With --check nothing is
written: the exit status is 1 where a record does not validate or a table is not what they give.

examples
  ddbench leaderboard
  ddbench leaderboard --check
  ddbench leaderboard runs repository=/tmp/mine
""",
}
VERBS = ("run", *USAGE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = _dispatch(words)
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"ddbench: {error}", file=sys.stderr)
        return 2
    except StopRequested as stop:
        print("ddbench: stopped; the same command continues", file=sys.stderr)
        return 128 + stop.signal_number
    except KeyboardInterrupt:
        print("ddbench: stopped; the same command continues", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader, such as `head`, has gone; what is left to flush at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    verb, rest = words[0], words[1:]
    if verb == "--version":
        import importlib.metadata

        print(f"ddbench {importlib.metadata.version('ddbench')}")
        return 0
    if verb not in VERBS:
        from ..errors import unknown_name

        raise unknown_name("verb", verb, VERBS)
    if {"-h", "--help"} & set(rest):
        print(RUN_HELP if verb == "run" else USAGE[verb], end="")
        return 0
    if verb == "run":
        from .run_verb import run

        return run(rest)
    if verb == "show":
        from .show_verb import show

        return show(rest)
    if verb == "list":
        from .list_verb import list_names

        return list_names(rest)
    if verb == "prepare":
        from .prepare_verb import prepare

        return prepare(rest)
    if verb == "regress":
        from .regress_verb import regress

        return regress(rest)
    if verb == "inspect":
        from .inspect_verb import inspect

        return inspect(rest)
    if verb == "import":
        from .import_verb import import_file

        return import_file(rest)
    if verb == "export":
        from .export_verb import export

        return export(rest)
    if verb == "submit":
        from .submit_verb import submit

        return submit(rest)
    if verb == "leaderboard":
        from .leaderboard_verb import leaderboard

        return leaderboard(rest)
    from .evaluate_verb import evaluate_file

    return evaluate_file(rest)
