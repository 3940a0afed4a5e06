"""What every tracker promises: little, since a run needs nothing of it."""

from __future__ import annotations

from ..runtime.tracking import TRACKERS, Tracker
from .common import format_checks

CHECKS = format_checks(TRACKERS, Tracker)
