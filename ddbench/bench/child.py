"""A script run by the Python of another ddbench, which measures there on request.

It puts its own folder into the other ddbench as `ddbench.bench`, so that the same code measures
both sides, whatever the other one contains. Each line of input is a request in JSON and is answered
by one line; the first line that it writes identifies it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

PACKAGE = "ddbench"
PROTOCOL = "ddbench-bench-child/1"


def main() -> None:
    """Answer requests until there are no more."""
    sys.path.pop(0)  # the folder of this file
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what ddbench prints is not an answer
    package = importlib.import_module(PACKAGE)
    _put_into(package)
    earlier = importlib.import_module(f"{PACKAGE}.bench.earlier")
    earlier.take_rooms_beside(package)
    earlier.give_present_names(package)
    worker = importlib.import_module(f"{PACKAGE}.bench.worker").Worker()
    _answer(answers, {"protocol": PROTOCOL, **earlier.whereabouts(package)})
    try:
        for line in sys.stdin:
            _answer(answers, _answered(worker, json.loads(line)))
    finally:
        worker.close()


def _answered(worker: Any, request: dict[str, Any]) -> dict[str, Any]:
    try:
        done: dict[str, Any] = getattr(worker, request["do"])(**request["with"])
    except Exception as error:  # reported by the side that asks
        return {"problem": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    return done


def _answer(answers: Any, value: dict[str, Any]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def _put_into(package: Any) -> None:
    """Make the folder of this file the module `bench` of a package."""
    name, folder = f"{package.__name__}.bench", Path(__file__).resolve().parent
    places = [str(folder)]
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=places
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    package.bench = module


if __name__ == "__main__":
    main()
