"""One run, as `ddbench.run` does it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..planning.fitting import fitted
from ..runs.compose import request_of
from ..runs.execute import Outcome, execute
from ..runs.overrides import given_value
from ..runtime.folders import runs_root
from ..store.files import check_writable
from .ending import ending_of


def run_single(words: Sequence[str], quiet: bool = False) -> int:
    """Do one run; its exit status.

    Args:
        words: what is asked for.
        quiet: say nothing but what goes wrong.
    """

    def work() -> Outcome:
        request = request_of(words)
        if not os.path.isdir(request.runs_root):  # a finished run is shown from a read-only disk
            check_writable(request.runs_root)
        return execute(fitted(request, quiet), quiet)

    return ending_of(work, runs_root(given_value(words, "runs_root")), brief=quiet).status
