"""Tells what becomes of the smallest network of each of timm's families at small images.

usage: python tests/models/timm_families.py > docs/timm.md

A family is a module of timm. Sizes are compared without any weights; about ten minutes on one core.
"""

from __future__ import annotations

import warnings
from collections import defaultdict

import timm
import torch
from timm.models import list_modules

from ddbench.errors import UserError
from ddbench.models.spec import model_named
from ddbench.runtime.randomness import RandomStream

CHANNELS, CLASSES = 3, 10
TOLD = 2  # changes of a network, which may have dozens
RESOLUTIONS = (32, 64)
ABOUT = """\
# timm's networks on small images

`model=timm_model model.architecture=NAME` and the evaluators' `timm:NAME` take any network of timm
{version}, untrained. This is the smallest network of each of its {number} families (modules): what
ddbench changes so that it takes 32x32 or 64x64 images of three channels, or why it is refused. An
empty cell is a network as it is. Made by `python tests/models/timm_families.py > docs/timm.md`.

"""


def parameters(name: str) -> int:
    """The number of a network's parameters, which are not allocated."""
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=CLASSES)
    return sum(one.numel() for one in network.parameters())


def smallest_of_each_family() -> dict[str, tuple[int, str]]:
    """Parameters and name of the smallest network, by family."""
    families: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for family in list_modules():
        families[family] += [(parameters(name), name) for name in timm.list_models(module=family)]
    return {family: min(found) for family, found in families.items() if found}


def told(name: str, resolution: int) -> str:
    """What was changed, or why the network is refused."""
    spec = model_named(f"timm:{name}", "cpu")
    try:
        return shortened(spec.build(CHANNELS, resolution, CLASSES, RandomStream(0)).adaptation)
    except UserError as refusal:
        return f"refused: {str(refusal).partition(': ')[2]}"


def shortened(adaptation: str) -> str:
    """The first changes, and how many there are besides."""
    changes = adaptation.split(", ")
    told = ", ".join(changes[:TOLD])
    more = len(changes) - TOLD
    return f"{told} and {more} more" if more > 0 else told


def markdown(rows: list[list[str]]) -> str:
    """A table whose first row is its head; its cells hold no bars."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def main() -> None:
    """Print the page."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    found = smallest_of_each_family()
    rows = [
        [family, name, f"{count / 1e6:.1f}", *(told(name, side) for side in RESOLUTIONS)]
        for family, (count, name) in found.items()
    ]
    headers = ["family", "network", "10^6 parameters", *(f"at {r}x{r}" for r in RESOLUTIONS)]
    print(ABOUT.format(version=timm.__version__, number=len(found)), end="")
    print(markdown([headers, *rows]))
    for place, side in enumerate(RESOLUTIONS, 3):
        refused = sum(row[place].startswith("refused") for row in rows)
        print(f"\nAt {side}x{side} {len(rows) - refused} of {len(rows)} are taken.")


if __name__ == "__main__":
    main()
