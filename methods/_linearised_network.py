"""A network linearised around its weights: the first-order change of its output.

Theta is all parameters except the weights of the last layer, which are solved for, and J(x) is the
derivative of the logits for an image x with respect to theta. N. Loo, R. Hasani, M. Lechner,
D. Rus, "Dataset distillation with convexified implicit gradients" (ICML 2023), section 4.1:
training J(x) d over d is a convex problem, whatever the network.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp

from ddbench import Model

Weights = dict[str, Tensor]
LAST = "network.classifier.weight"


class LinearisedNetwork:
    """J(x) d, and J(x)' u, for vectors d and u.

    Args:
        network: in evaluation mode, with a linear layer `classifier` on its features.
        part: images at a time, which determines memory.
    """

    def __init__(self, network: Model, part: int) -> None:
        self.both = _LogitsAndFeatures(network)
        self.part = part
        weights = {name: value.detach() for name, value in self.both.named_parameters()}
        self.last = {LAST: weights.pop(LAST)}
        self.weights = weights

    def derivative(self, images: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, F) and J d (n, classes) of images; differentiable in the images.

        Args:
            images: (n, C, H, W), as many as fit.
            vector: d, flat.
        """

        def run(weights: Weights) -> tuple[Tensor, Tensor]:
            logits, features = functional_call(self.both, {**weights, **self.last}, (images,))
            return logits, features

        with warnings.catch_warnings():
            # torch's own code calls deprecated torch functions.
            warnings.filterwarnings("ignore", module=r"torch\.jit")
            before, change = jvp(run, (self.weights,), (self._by_name(vector),))[:2]
        return before[1], change[0]

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Features (n, F)."""
        return torch.cat([self.both.network.features(part) for part in images.split(self.part)])

    @torch.no_grad()
    def seen(self, images: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, F) and J d (n, classes) for a flat vector d, part by part."""
        parts = [self.derivative(part, vector) for part in images.split(self.part)]
        return torch.cat([one for one, _ in parts]), torch.cat([one for _, one in parts])

    def push(self, images: Tensor, vector: Tensor) -> Tensor:
        """J d (n, classes) for a flat vector d."""
        return self.seen(images, vector)[1]

    def pullback(self, images: Tensor) -> Callable[[Tensor], Tensor]:
        """The function that maps u (n, classes) to J' u, flat.

        If the images fit in one part, they pass through the network once for all calls.
        """
        held = self._graph(images) if len(images) <= self.part else None

        def pull(cotangent: Tensor) -> Tensor:
            if held is not None:
                return flat(torch.autograd.grad(*held, cotangent, retain_graph=True))
            parts = zip(images.split(self.part), cotangent.split(self.part), strict=True)
            pulled = [flat(torch.autograd.grad(*self._graph(one), u)) for one, u in parts]
            return torch.stack(pulled).sum(0)

        return pull

    def _graph(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits with their graph, and the parameters at its leaves."""
        leaves = {name: value.clone().requires_grad_() for name, value in self.weights.items()}
        logits, _ = functional_call(self.both, {**leaves, **self.last}, (images,))
        return logits, list(leaves.values())

    def _by_name(self, vector: Tensor) -> Weights:
        parts = vector.split([value.numel() for value in self.weights.values()])
        return {
            name: part.view_as(value)
            for (name, value), part in zip(self.weights.items(), parts, strict=True)
        }


class _LogitsAndFeatures(nn.Module):
    """Logits and features from one pass."""

    def __init__(self, network: Model) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, classes) and features (n, F)."""
        features = self.network.features(images)
        return self.network.classifier(features), features  # type: ignore[operator]


def flat(values: tuple[Tensor, ...]) -> Tensor:
    """All values flattened and concatenated into one vector."""
    return torch.cat([value.flatten() for value in values])


def smooth(network: Model, beta: float) -> Model:
    """Replace each ReLU layer of a network with softplus(beta x) / beta.

    The derivative of a linearised network with respect to its images needs the second derivative
    of its activation, which is 0 for ReLU wherever it exists.
    """
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, nn.ReLU):
                setattr(module, name, nn.Softplus(beta))
    return network


def reason_against(network: Model, images: Tensor) -> str | None:
    """Why a network cannot be linearised here, or None.

    Args:
        network: on its device.
        images: (n, C, H, W), to try it on.
    """
    network.eval()
    if not isinstance(getattr(network, "classifier", None), nn.Linear):
        return "its last layer is not a linear layer named classifier"
    both = _LogitsAndFeatures(network)
    with torch.no_grad():
        if not torch.allclose(both(images)[0], network(images)):
            return "its logits are not those of its last layer alone"
    try:
        linearised = LinearisedNetwork(network, len(images))
        size = sum(value.numel() for value in linearised.weights.values())
        leaf = images.clone().requires_grad_()
        _, change = linearised.derivative(leaf, torch.zeros(size, device=images.device))
        torch.autograd.grad(change.sum(), leaf)
    except (NotImplementedError, RuntimeError):
        return "one of its layers has no derivative in forward mode"
    return None
