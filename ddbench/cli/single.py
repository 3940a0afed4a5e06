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
    """Do one run and return its exit status.

    Args:
        words: the words that ask for it.
        quiet: print nothing but what goes wrong.
    """

    def work() -> Outcome:
        request = request_of(words)
        if not os.path.isdir(request.runs_root):  # a read-only disk can show a finished run
            check_writable(request.runs_root)
        return execute(fitted(request, quiet), quiet)

    return ending_of(work, runs_root(given_value(words, "runs_root")), brief=quiet).status
