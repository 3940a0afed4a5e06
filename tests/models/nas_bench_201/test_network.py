"""NAS-Bench-201's cells and networks against published numbers and a naive reading of a string."""

from __future__ import annotations

import hashlib
import itertools

import pytest
import torch
import torch.nn.functional as F
from closeness import assert_close
from torch import Tensor, nn

from ddbench.errors import UserError
from ddbench.models.model import Model
from ddbench.models.nas_bench_201.cells import (
    CELLS,
    EDGES,
    OPERATIONS,
    cell_indices,
    cell_string,
    cell_strings,
    parse_cell,
)
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream

STREAM = RandomStream(3, ("network",))


def network(architecture: str, classes: int = 10, **settings: object) -> Model:
    spec = ModelSpec("nas_bench_201", {"architecture": architecture, **settings})
    return spec.build(3, 32, classes, STREAM)


def parameters(architecture: str, classes: int = 10) -> int:
    return sum(one.numel() for one in network(architecture, classes).parameters())


ALL_SKIP = (
    "|skip_connect~0|+|skip_connect~0|skip_connect~1|+"
    + "".join(f"|skip_connect~{n}" for n in range(3))
    + "|"
)
ALL_3X3 = ALL_SKIP.replace("skip_connect", "nor_conv_3x3")


@pytest.mark.parametrize(
    ("index", "string"),
    [
        # shown in threads and logs of users of the benchmark's files
        (1, "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+"
            "|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"),
        (9930, "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
               "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"),
    ],
)  # fmt: skip
def test_index_is_that_of_the_benchmark(index: int, string: str) -> None:
    assert cell_strings()[index] == string
    assert cell_indices()[string] == index
    assert parse_cell(str(index)) == parse_cell(string)


def test_order_is_that_of_the_published_table() -> None:
    """The digest is of the strings in a table made from the benchmark's file, one per line."""
    digest = hashlib.sha256("\n".join(cell_strings()).encode()).hexdigest()
    assert digest == "83abc799e45cf34e9d2163654668ab998b9a54d01c39e72ca1f71f2cdf356d84"
    assert len(set(cell_strings())) == CELLS == 15_625


def test_every_string_is_parsed_and_every_cell_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    for layer in (nn.Conv2d, nn.BatchNorm2d):  # drawing weights would take most of the time
        monkeypatch.setattr(layer, "reset_parameters", lambda self: None)
    cell_of = type(network("0", channels=1, cells_per_stack=1).get_submodule("blocks.0"))
    seen = set()
    for text in cell_strings():
        cell = parse_cell(text)
        assert cell_string(cell) == text
        built = cell_of(cell, 1)
        assert len(built.edges) == sum(name != "none" for name in cell)
        seen.add(cell)
    assert seen == set(itertools.product(OPERATIONS, repeat=6))


@pytest.mark.parametrize("index", range(7, CELLS, 1500))
def test_network_of_a_cell_is_trained_by_one_step(index: int) -> None:
    small = network(str(index), channels=2, cells_per_stack=1)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    logits = small(images)
    assert logits.shape == (2, 10)
    logits.square().sum().backward()
    assert small.get_parameter("classifier.weight").grad is not None
    assert small.features(images).shape == (2, 8)


@pytest.mark.parametrize(
    ("architecture", "classes", "published", "digits"),
    [
        # smallest and largest of the benchmark, as read from its file by several programs
        (ALL_SKIP, 10, 0.073306, 6),
        (ALL_3X3, 10, 1.531546, 6),
        (ALL_SKIP, 100, 0.079156, 6),
        (ALL_3X3, 100, 1.537396, 6),
        # github.com/D-X-Y/NATS-Bench/issues/36
        ("|skip_connect~0|+|none~0|nor_conv_3x3~1|+"
         "|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|", 10, 0.802426, 6),
        # github.com/D-X-Y/NATS-Bench/issues/18
        ("1", 10, 0.802, 3),
        ("1", 100, 0.808, 3),
        ("1", 120, 0.810, 3),
        # a log of the benchmark's package, cell 9930
        ("9930", 10, 1.289, 3),
        ("9930", 100, 1.294, 3),
        ("9930", 120, 1.296, 3),
        # github.com/D-X-Y/AutoDL-Projects/issues/134
        ("|skip_connect~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+"
         "|nor_conv_3x3~0|avg_pool_3x3~1|none~2|", 10, 0.56, 2),
    ],
)  # fmt: skip
def test_parameters_are_as_many_as_published(
    architecture: str, classes: int, published: float, digits: int
) -> None:
    assert round(parameters(architecture, classes) / 1e6, digits) == published


@pytest.mark.parametrize(
    ("architecture", "classes", "published"),
    [
        ("0", 10, 15.64737),  # github.com/D-X-Y/NATS-Bench/issues/24: two 1x1 convolutions
        ("0", 100, 15.65322),
        (ALL_SKIP, 10, 7.78305),
        (ALL_3X3, 10, 220.11969),
        ("1", 10, 113.95137),
    ],
)
def test_multiplications_are_as_many_as_published(
    architecture: str, classes: int, published: float
) -> None:
    """In millions, for convolutions and the last layer with its bias, on one image of 32x32."""
    built, count = network(architecture, classes), 0

    def add(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal count
        if isinstance(layer, nn.Conv2d):
            count += layer.weight.numel() * output[0, 0].numel()
        elif isinstance(layer, nn.Linear):
            count += layer.weight.numel() + layer.bias.numel()

    for layer in built.modules():
        layer.register_forward_hook(add)
    built(torch.zeros(2, 3, 32, 32))
    assert round(count / 1e6, 5) == published


@pytest.mark.numerical
def test_cell_is_the_sum_over_edges_of_a_naive_reading() -> None:
    text = "|nor_conv_1x1~0|+|avg_pool_3x3~0|none~1|+|skip_connect~0|nor_conv_3x3~1|avg_pool_3x3~2|"
    cell = network(text, channels=2, cells_per_stack=1).get_submodule("blocks.0").double().eval()
    images = torch.randn(2, 2, 6, 6, dtype=torch.float64)
    weights = {edge: cell.get_parameter(f"edges.{edge}.1.weight") for edge in ("0to1", "1to3")}

    def convolved(node: Tensor, edge: str) -> Tensor:
        weight = weights[edge]
        # A fresh batch norm divides by the root of 1 + 1e-5.
        return F.conv2d(node.relu(), weight, padding=weight.shape[-1] // 2) / (1 + 1e-5) ** 0.5

    def pooled(node: Tensor) -> Tensor:
        out = torch.zeros_like(node)
        for y, x in itertools.product(range(6), range(6)):
            window = node[:, :, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
            out[:, :, y, x] = window.mean((2, 3))
        return out

    first = convolved(images, "0to1")
    second = pooled(images)
    third = images + convolved(first, "1to3") + pooled(second)
    # Two channels through a 1x1 and a 3x3 filter, norms, two poolings of nine, and three edges.
    assert_close(cell(images), third, terms=2 + 18 + 2 * 4 + 2 * 9 + 3)


@pytest.mark.numerical
def test_cell_whose_output_has_no_edge_sees_no_image() -> None:
    blind = network("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", cells_per_stack=1).eval()
    images = torch.randn(2, 3, 32, 32)
    first, second = blind(images)
    assert_close(first, second, terms=blind.classifier.in_features)  # type: ignore[union-attr]


def test_edges_are_in_the_order_of_the_string() -> None:
    assert [(start, end) for end in (1, 2, 3) for start in range(end)] == list(EDGES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15625",
        "-1",
        "1.0",
        "٣",  # a digit, but none of ours
        "|none~0|",
        ALL_SKIP + "\n",
        ALL_SKIP.replace("~1", "~0"),
        ALL_SKIP.replace("skip_connect", "sep_conv_3x3"),
        ALL_SKIP + "+|none~0|none~1|none~2|none~3|",
        "|" * 100_000,
        "9" * 100_000,
    ],
)
def test_what_is_no_cell_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(
        UserError, match=r"is not a cell of NAS-Bench-201: an index 0\.\.15624"
    ) as told:
        parse_cell(text)
    assert len(str(told.value)) < 600
    assert "\n" not in str(told.value)
    with pytest.raises(UserError, match="model nas_bench_201"):
        ModelSpec("nas_bench_201", {"architecture": text}).build(3, 32, 10, STREAM)


def test_index_and_string_are_one_setting() -> None:
    by_index = ModelSpec("nas_bench_201", {"architecture": "1"}).typed_settings
    assert by_index.plain()["architecture"] == cell_strings()[1]


def test_images_that_cannot_be_halved_twice_are_refused() -> None:
    with pytest.raises(UserError, match="30x30 images cannot be halved twice"):
        ModelSpec("nas_bench_201").build(3, 30, 10, STREAM)
