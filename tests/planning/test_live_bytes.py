"""Bytes of tensors that are held at once."""

from __future__ import annotations

import torch

from ddbench.planning.live_bytes import LiveBytes, peak_of

MEGABYTE = 2**18
"""Numbers of four bytes."""


def test_what_is_freed_is_not_counted_on():
    def work():
        for _ in range(5):
            torch.ones(MEGABYTE)

    assert peak_of(work) == 4 * MEGABYTE


def test_what_is_held_adds_up():
    assert peak_of(lambda: [torch.ones(MEGABYTE) for _ in range(5)]) == 20 * MEGABYTE


def test_views_and_results_in_place_count_once():
    def work():
        one = torch.ones(MEGABYTE)
        return one.view(2, -1)[0].add_(1), one.t()

    assert peak_of(work) == 4 * MEGABYTE


def test_what_a_backward_pass_keeps_and_makes_counts():
    weights = torch.ones(MEGABYTE, requires_grad=True)

    def work():
        value = weights
        for _ in range(3):
            value = value.exp()  # keeps its result for the backward pass
        value.sum().backward()

    assert peak_of(work) >= 3 * 4 * MEGABYTE
    weights.grad = None
    with LiveBytes() as live:
        with torch.no_grad():
            weights.exp().exp()
        assert live.peak == 2 * 4 * MEGABYTE
        assert live.now == 0
