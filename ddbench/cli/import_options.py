"""Options of `import` and `evaluate` that describe a released set where its file does not."""

from __future__ import annotations

from argparse import Namespace

from .parser import VerbParser

ABOUT = """\
Files that ddbench did not write are read, too; their code is never run. Give what a file does not
say; a family (--like) knows what is always true of its files. `ddbench inspect FILE` shows what is
in a file and what must be given."""


def define_import_options(parser: VerbParser) -> None:
    """Add the options."""
    parser.option("like", "FAMILY", "such as dc, dm, mtt_zca, datm, kip")
    parser.option("dataset", "NAME", "that the set was distilled from; its settings: dataset.KEY=V")
    parser.option(
        "input_space",
        "NAME",
        "pixels, pixels255, normalised, normalised:NAME, normalised:M,M,M/S,S,S, zca, "
        "zca_relative or zca_per_image",
    )
    parser.option("layout", "L", "NCHW or NHWC")
    parser.option("label_kind", "K", "logits, probabilities or targets")
    parser.option("ids", "HOW", "argmax or blocks, where the file has no class ids")
    parser.option("class_order", "ORDER", "dataset, text, or NAME,NAME,...")
    parser.option("which", "N", "of several sets, counted from 0, or last")
    parser.option("tiles", "F", "factor of the decoder")
    parser.option("learned_rate", "R", "of students")
    parser.option("students_see", "NAME", "the space that pixels are brought to")


def said_of_the_set(given: Namespace) -> dict[str, str]:
    """What the user says about the set, by the names of `ImportChoice`."""
    from ..distilling.importing.choice import OPTIONS

    return {name: getattr(given, name) for name in OPTIONS if getattr(given, name) is not None}
