"""The floor of a step: its convolutions and matrix products alone, on tensors of the same shapes.

Every call that reaches torch's dispatcher is seen, forward and backward, whatever made it: autograd
functions, `torch.func`, checkpointing, second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.flop_counter import flop_registry

ATEN = torch.ops.aten
COUNTED = {
    ATEN.convolution,
    ATEN._convolution,
    ATEN.convolution_backward,
    ATEN.mm,
    ATEN.addmm,
    ATEN.bmm,
    ATEN.baddbmm,
}
"""What a network cannot do without. Vector products are left out: they take no time."""


@dataclass(frozen=True)
class Operand:
    """A tensor of a call, described by everything that affects how long the call takes.

    Args:
        shape: the tensor's shape.
        strides: its strides in memory, in elements; 0 where it is expanded.
        dtype: its data type.
        device: its device.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, tensor: Tensor) -> Operand:
        """The description of a tensor."""
        return cls(tuple(tensor.shape), tensor.stride(), tensor.dtype, tensor.device)

    def random(self) -> Tensor:
        """A tensor of this description, filled with standard normal numbers."""
        reach = sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        count = 0 if 0 in self.shape else reach + 1
        numbers = torch.randn(count, device=self.device).to(self.dtype)
        return numbers.as_strided(self.shape, self.strides)


@dataclass(frozen=True)
class Call:
    """A convolution or a matrix product.

    Args:
        operation: the torch operation, with its overload.
        arguments: its positional arguments; an `Operand` stands for each tensor.
        named: its keyword arguments, likewise.
        operations: floating-point operations; a multiplication and an addition count one each.
    """

    operation: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    operations: int


class _Listening(TorchDispatchMode):
    """Records the calls that are counted."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        result = func(*args, **named)
        if func.overloadpacket in COUNTED:
            count = flop_registry.get(func.overloadpacket)
            operations = count(*args, **named, out_val=result) if count else 0
            self.calls.append(Call(func, _described(args), _described(named), int(operations)))
        return result


def calls_of(work: Callable[[], Any]) -> list[Call]:
    """Do some work and return its convolutions and matrix products, in order.

    Compiled code runs eagerly meanwhile, since compiled calls cannot be seen.
    """
    listening = _Listening()
    with torch.compiler.set_stance("force_eager"), listening:
        work()
    return listening.calls


def operations_of(calls: Iterable[Call]) -> int:
    """Floating-point operations of all calls together."""
    return sum(call.operations for call in calls)


class Floor:
    """Calls on random tensors, which can be repeated; equal operands share one tensor.

    Args:
        calls: the calls of a step.
    """

    def __init__(self, calls: Iterable[Call]) -> None:
        tensors: dict[Operand, Tensor] = {}

        def made(value: Any) -> Any:
            if not isinstance(value, Operand):
                return value
            if value not in tensors:
                tensors[value] = value.random()
            return tensors[value]

        self._calls = [
            (call.operation, tree_map(made, call.arguments), tree_map(made, call.named))
            for call in calls
        ]

    def __call__(self) -> None:
        """Do all calls, in the order of the step; their results are discarded."""
        with torch.no_grad():
            for operation, arguments, named in self._calls:
                operation(*arguments, **named)


def _described(values: Any) -> Any:
    """The same structure with operands in place of tensors."""
    return tree_map(lambda value: Operand.of(value) if isinstance(value, Tensor) else value, values)
