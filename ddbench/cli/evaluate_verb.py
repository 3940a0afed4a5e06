"""`ddbench evaluate`: score a distilled set from a file."""

from __future__ import annotations

from argparse import Namespace

from ..errors import UserError
from .parser import VerbParser, is_setting

SUMMARY = "score a distilled set from a file"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench evaluate FILE [KEY=VALUE ...]"
    parser.description = """\
Scores a distilled set that anybody made, beside a control. The file says its dataset, images per
class and input space; the other keys are those of `ddbench run`."""
    parser.epilog = """\
examples
  ddbench evaluate set.safetensors
  ddbench evaluate set.safetensors protocols=[hard] budget=paper
"""
    parser.open_keys = True
    parser.words("FILE", "the set, and keys of `ddbench run`")
    parser.set_defaults(work=evaluate_file)


def evaluate_file(given: Namespace) -> int:
    """Print what the evaluators say of a set; those that cannot measure it say why before."""
    from ..api import evaluate
    from ..records.report import measurement_tables

    files = [word for word in given.words if not is_setting(word)]
    if len(files) != 1:
        raise UserError("evaluate what? one file, such as `ddbench evaluate set.safetensors`")
    measured = evaluate(files[0], [word for word in given.words if is_setting(word)])
    print(measurement_tables(measured))
    return 0
