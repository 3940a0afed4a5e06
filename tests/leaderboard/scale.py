"""How long `ddbench leaderboard` takes.

`PYTHONPATH=tests python tests/leaderboard/scale.py FOLDER [RECORDS]`

Writes plausible records below FOLDER, 10,000 unless told otherwise, and makes everything from them.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path

from plausible import plausible

from ddbench.cli import main as cli

METHODS = ["random", "herding", "kcenter", "dc", "dsa", "dm", "mtt", "tesla", "ftd", "apm"]
DATASETS = ["cifar10", "cifar100", "tinyimagenet", "mnist5k"]
PROTOCOLS = ("hard/1", "soft/1", "paper/1")


def main(folder: Path, count: int) -> None:
    """Make the records, then time the command."""
    records = folder / "records"
    records.mkdir(parents=True, exist_ok=True)
    places = list(itertools.product(DATASETS, (1, 10, 50), ("short", "paper"), METHODS))
    cells = ((seed, *place) for seed in itertools.count() for place in places)
    for seed, dataset, ipc, budget, method in itertools.islice(cells, count):
        record = plausible(
            method, dataset=dataset, ipc=ipc, seed=seed, budget=budget, protocols=PROTOCOLS
        )
        (records / f"{record.name}.json").write_text(json.dumps(record.plain(), indent=2))
    start, busy = time.perf_counter(), time.process_time()
    cli.main(["leaderboard", str(records), f"repository={folder}"])
    print(
        f"{time.perf_counter() - start:.1f} s, of the processor {time.process_time() - busy:.1f} s"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
