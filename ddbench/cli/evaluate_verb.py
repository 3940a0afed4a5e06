"""`ddbench evaluate`: score a distilled set from a file."""

from __future__ import annotations

from argparse import Namespace

from .import_options import ABOUT, define_import_options, said_of_the_set
from .parser import VerbParser, is_setting, one_is_needed

SUMMARY = "score a distilled set from a file, whoever made it"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = (
        "ddbench evaluate FILE [--like FAMILY --dataset NAME] [--OPTION VALUE ...] [KEY=VALUE ...]"
    )
    parser.description = f"""\
Scores a distilled set that anybody made, beside a control, and leaves a record that says so. A
file of ddbench says its dataset, images per class and input space; the other keys are those of
`ddbench run`.

{ABOUT}"""
    parser.epilog = """\
examples
  ddbench evaluate set.safetensors
  ddbench evaluate set.safetensors protocols=[hard] budget=paper
  ddbench evaluate set.safetensors --json
  ddbench evaluate res_DM_CIFAR10_ConvNet_1ipc.pt like=dm dataset=cifar10 protocols=[paper]
"""
    parser.open_keys = True
    parser.words("FILE", "the set, and keys of `ddbench run`")
    parser.config_dir()
    define_import_options(parser)
    parser.flag("quiet", "print only errors")
    parser.flag("json", "print the record in place of the report")
    parser.set_defaults(work=evaluate_file)


def evaluate_file(given: Namespace) -> int:
    """Score a set and write a record; the report is printed as it is made."""
    from ..runs.execute import Outcome
    from ..runs.overrides import given_value, readable
    from ..runs.score_file import score_set, set_from_file
    from ..runtime.folders import runs_root
    from .ending import ending_of

    files = [word for word in given.words if not is_setting(word)]
    if len(files) != 1:
        raise one_is_needed(
            "evaluate", "one file, such as `ddbench evaluate set.safetensors`", files
        )
    keys = readable([word for word in given.words if is_setting(word)])
    silent = given.json or given.quiet

    def work() -> Outcome:
        done = set_from_file(files[0], keys, said_of_the_set(given), given.like)
        for line in () if silent else done.notes:
            print(f"note: {line}")
        return score_set(done.distilled, keys, silent)

    ending = ending_of(work, runs_root(given_value(keys, "runs_root")), brief=silent)
    if given.json and ending.record:
        print(ending.record.read_text(encoding="utf-8"), end="")
    return ending.status
