"""Every method, evaluator and model once on a GPU, with deterministic algorithms or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from ddbench.distilling.loop import MethodSkips
from ddbench.distilling.registry import METHODS
from ddbench.models.registry import MODELS
from ddbench.models.spec import ModelSpec
from ddbench.runs.execute import Outcome, execute
from ddbench.runs.request import RunRequest
from ddbench.runtime.device import Execution
from ddbench.runtime.randomness import RandomStream
from ddbench.scoring.registry import EVALUATORS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
NARROW = "model.width=8"


@pytest.fixture(autouse=True)
def errors_where_a_run_notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nondeterministic operations, which a run only names in its record, are errors here."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    with monkeypatch.context() as patch:
        patch.setattr(torch, "set_deterministic_debug_mode", lambda mode: None)
        yield
    torch.set_deterministic_debug_mode(before)


@pytest.fixture
def on_gpu(tiny: Callable[..., RunRequest], tmp_path: Path) -> Callable[..., Outcome]:
    """Do a smoke run in a store of its own."""

    def run(store: str, *overrides: str) -> Outcome:
        request = tiny(tmp_path / store, "device=cuda", NARROW, "protocols=[hard]", *overrides)
        return execute(request, quiet=True)

    return run


@pytest.mark.parametrize("name", METHODS.names())
def test_method_gives_the_same_bytes_twice(name: str, on_gpu: Callable[..., Outcome]) -> None:
    made = []
    for store in ("one", "two"):
        try:
            outcome = on_gpu(store, f"method={name}")
        except MethodSkips as reason:
            pytest.skip(str(reason))
        made.append((outcome.folder / "distilled.safetensors").read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("name", EVALUATORS.names())
def test_evaluator_measures(name: str, on_gpu: Callable[..., Outcome]) -> None:
    record = on_gpu("one", "method=random", f"evaluators=[{name}]").record
    assert record.environment.plain()["device"] == "cuda"
    assert record.measurements or record.evaluators[name].skipped


@pytest.mark.parametrize("name", MODELS.names())
def test_gradients_of_a_model_are_the_same_bits_twice(name: str) -> None:
    """Gradients of the images and of the weights, in training mode."""
    device = Execution.start("cuda").device
    small = {"width": 8} if "width" in ModelSpec(name).typed_settings.plain() else {}
    network = ModelSpec(name, small).build(3, 32, 7, RandomStream(0)).to(device).train()
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(device)
    found = []
    for _ in range(2):
        torch.manual_seed(0)  # of dropout
        leaf = images.clone().requires_grad_()
        loss = network(leaf).square().sum()
        found.append(torch.autograd.grad(loss, [leaf, *network.parameters()]))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
