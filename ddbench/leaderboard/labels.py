"""The names of settings, methods and verdicts in tables, pictures and on the page.

Labels are only for people: nothing is parsed from them.
"""

from __future__ import annotations

from typing import NamedTuple

from ..records.facts import ProtocolFacts
from .aggregates import Conditions
from .best_controls import ANY, Improvement
from .boards import Board
from .entries import Setting, Values, Variant
from .mean_improvements import ModelAndBudget

MEASURES_NOTHING = ("smoke",)
"""Budgets that only show that everything runs."""


class Label(NamedTuple):
    """A name in full, and a short one for a narrow column."""

    full: str
    short: str


def dataset_label(setting: Setting) -> Label:
    """The dataset with what is not the default, such as "digits (network_seed=1)"."""
    apart = f" #{setting.apart}" if setting.apart else ""
    return Label(setting.dataset + _bracketed(setting.dataset_settings) + apart, setting.dataset)


def budget_label(of: Setting | Conditions | ModelAndBudget) -> Label:
    """The budget with what differs from the budget of that name."""
    return Label(of.budget + _bracketed(of.budget_changes), of.budget)


def conditions_title(conditions: Conditions) -> str:
    """A title such as "soft/1, labels: label teacher, convnet-width32, budget short"."""
    labels = conditions.labels or "none"
    told = f"{conditions.protocol.label}, labels: {labels}, {conditions.model}"
    return f"{told}, budget {budget_label(conditions).full}"


def warning(of: Setting | Conditions | ModelAndBudget) -> str:
    """What a reader must know first about the numbers; "" for nothing."""
    if of.budget not in MEASURES_NOTHING:
        return ""
    return f"Budget {of.budget} shows that everything runs; these numbers measure nothing."


def protocol_label(of: Board | Conditions) -> str:
    """Protocol and labels, such as "soft/1, label teacher"."""
    return f"{of.protocol.label}, {of.labels or 'no labels'}"


def model_and_budget_title(of: ModelAndBudget) -> str:
    """A title such as "convnet-width32, budget short"."""
    return f"{of.model}, budget {budget_label(of).full}"


def labels_head(protocol: ProtocolFacts | None) -> str:
    """The heading of the column of a protocol, or of all of them."""
    return ANY if protocol is None else protocol.label


def setting_title(setting: Setting) -> str:
    """A title such as "digits: convnet-width32, budget short"."""
    return f"{dataset_label(setting).full}: {setting.model}, budget {budget_label(setting).full}"


def variant_label(variant: Variant) -> Label:
    """The method with its version, the values given, and those that distinguish it.

    For a set that was made elsewhere the version is unknown, and its file is named instead.
    """
    if variant.origin:
        return Label(
            f"{variant.method}, made elsewhere: {variant.origin}", f"{variant.method}, elsewhere"
        )
    short = f"{variant.method}/{variant.version}"
    return Label(short + _bracketed(variant.given) + _bracketed(variant.apart), short)


def subject_label(variant: Variant, subject: str) -> Label:
    """The method, or what is scored beside it, such as "random beside apm/2"."""
    own = variant_label(variant)
    if subject in ("", variant.method):
        return own
    return Label(f"{subject} beside {own.full}", subject)


def best_control_label(one: Improvement) -> str:
    """The control, such as "kmeans/1 at ipc 5, best of 13", or why there is none.

    If their protocols may differ, it names both, the method's first.
    """
    if one.control is None:
        return one.reason
    own, control = one.own, one.control
    told = variant_label(control.variant).full
    if control.ipc != own.ipc:
        told += f" at ipc {control.ipc}"
    if one.protocol is None:
        told = f"{own.protocol.label}, over {told} under {control.protocol.label}"
    return f"{told}, {'the only one' if one.controls == 1 else f'best of {one.controls}'}"


def _bracketed(values: Values) -> str:
    told = ", ".join(f"{name}={value}" for name, value in values)
    return f" ({told})" if told else ""
