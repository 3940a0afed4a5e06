"""Evaluators: each breaks one promise."""

import time

from ddbench import Evaluator, Measurement


class Twice(Evaluator):
    """The same measurement again."""

    def evaluate(self, run):
        return 2 * [Measurement("height", 1.0, "metres", (), {"subject": "all"})]


class Percent(Evaluator):
    """An accuracy in percent."""

    def evaluate(self, run):
        return [Measurement("tall_accuracy", 57.3, "fraction", (), {"subject": "all"})]


class NotFinite(Evaluator):
    """A number that is none."""

    def evaluate(self, run):
        return [Measurement("height", float("nan"), "metres", (), {"subject": "all"})]


class Nowhere(Evaluator):
    """A measurement of nothing in particular."""

    def evaluate(self, run):
        return [Measurement("height", 1.0, "metres")]


class Silent(Evaluator):
    """Neither a measurement nor a reason."""

    def evaluate(self, run):
        return []


class Moody(Evaluator):
    """Another number each time."""

    def evaluate(self, run):
        height = float(time.monotonic_ns())
        return [Measurement("height", height, "metres", (height,), {"subject": "all"})]


class Fails(Evaluator):
    """An exception."""

    def evaluate(self, run):
        return [run.subjects["nobody"]]
