"""What labels and augmentation contribute to an accuracy: the scores of DD-Ranking, on fractions.

Z. Li et al., "DD-Ranking: rethinking the evaluation of dataset distillation" (2025). A(S, y, aug)
is the accuracy, a fraction in [0, 1], of students trained on images S with labels y under
augmentation aug; T is the whole training set, R a random real subset of the size of S.

The package `ddranking` 0.2.0 computes the same formulas and agrees on fractions (a test checks it),
but its accuracies are percentages: a gap of 30 points gives e^-30 where the map made for [-1, 1]
has e^-0.3, so its scores leave [0, 1]. It also keeps the best test accuracy of each training run
and chooses the learning rate by test accuracy, which is never done here, so accuracies differ.
"""

from __future__ import annotations

import math

LEAST_GAP = 0.02
"""If the gap between Random and the whole set is below this, a share of it is meaningless."""


def hard_label_recovery_gap(whole: float, hard: float) -> float:
    """HLR = A(T, hard) - A(S, hard): what class ids do not recover; lower is better."""
    return whole - hard


def improvement_over_random(own: float, random: float) -> float:
    """IOR = A(S, any) - A(R, any), `any` being the method's own labels, loss and augmentation."""
    return own - random


def normalised_improvement(own: float, random: float, whole: float) -> float | None:
    """nIOR = IOR / (A(T, hard) - A(R, any)); None where that gap is under `LEAST_GAP`."""
    gap = whole - random
    return None if gap < LEAST_GAP else improvement_over_random(own, random) / gap


def unit_score(a: float) -> float:
    """(e^a - e^-1) / (e - e^-1), which maps [-1, 1] to [0, 1]; 0 goes to 0.269.

    Args:
        a: a weighted sum of differences of fractions, in [-1, 1].
    """
    low = math.exp(-1)
    return (math.exp(a) - low) / (math.e - low)


def label_robust_score(improvement: float, gap: float, weight: float = 0.5) -> float:
    """LRS: the unit score of w IOR - (1 - w) HLR.

    Args:
        improvement: IOR, in [-1, 1].
        gap: HLR, in [-1, 1].
        weight: w, in [0, 1].
    """
    return unit_score(weight * improvement - (1 - weight) * gap)


def augmentation_robust_score(augmented: float, plain: float, weight: float = 0.5) -> float:
    """ARS: the unit score of g [A(S, aug) - A(R, aug)] + (1 - g) [A(S, noaug) - A(R, noaug)].

    Args:
        augmented: the improvement over Random with augmentation, in [-1, 1].
        plain: the same without.
        weight: g, in [0, 1].
    """
    return unit_score(weight * augmented + (1 - weight) * plain)


def label_attribution(soft: float, hard: float) -> float:
    """L = A(., soft) - A(., hard): what labels contribute, apart from images."""
    return soft - hard
