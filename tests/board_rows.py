"""Boards of records and what their rows say, for tests."""

from __future__ import annotations

from ddbench.leaderboard.labels import variant_label
from ddbench.leaderboard.tables import results_of


def boards_of(*records):
    return results_of(records, figures=[]).boards


def label(row):
    return variant_label(row.variant).full


def ranks(board):
    return {label(row): row.rank for row in board.rows}


def scores(method, own, control=(0.4, 0.41, 0.39)):
    return {method: own, "random": control}


def of_seeds(make, method, *means, first=0, **options):
    """Records of a method, one a seed: its mean over three networks that differ by 2 points."""
    networks = (-0.02, 0.0, 0.02)
    return [
        make(method, seed=first + seed, scores=scores(method, tuple(mean + n for n in networks)),
             **options)
        for seed, mean in enumerate(means)
    ]  # fmt: skip


def beaten(board):
    """Who beats whom."""
    return {
        (variant_label(pair.first).full, variant_label(pair.second).full)
        for pair in board.pairs
        if pair.decided
    }
