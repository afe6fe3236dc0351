"""Counts what a piece of a model computes, moves and keeps, by running it once under torch's dispatcher.

The run is real and on the CPU, with a batch of very few windows: on the `meta`
device torch would pick other kernels (attention in the form that keeps the
matrix of all pairs), and pieces that look at their data would not run at all.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from compute.products import only_torchs_products

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Counts:
    """What one forward and backward pass takes; sums of pieces are sums of counts.

    Args:
        multiply_adds: Of the forward pass.
        training_multiply_adds: Of both passes.
        kept_bytes: Storages that the forward pass keeps for the backward pass.
        moved_bytes: Read and written by the kernels of both passes.
        kernels: How many kernels both passes run.
    """

    multiply_adds: float = 0.0
    training_multiply_adds: float = 0.0
    kept_bytes: float = 0.0
    moved_bytes: float = 0.0
    kernels: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*map(operator.add, vars(self).values(), vars(other).values()))

    def __sub__(self, other: Counts) -> Counts:
        return self + other * -1.0

    def __mul__(self, factor: float) -> Counts:
        return Counts(*(count * factor for count in vars(self).values()))

    def of_shorter(self, share: float) -> Counts:
        """Return the counts where windows have only this share of their steps: as many kernels, less to do."""
        return dataclasses.replace(self * share, kernels=self.kernels)


@dataclass(frozen=True)
class Trace:
    """The counts of one run, and what it does with its input.

    Args:
        counts: The input's own storage is not among the kept bytes.
        keeps_input: Whether the backward pass needs the input.
        keeps_output: Whether it needs the output.
        hands_on: Whether the output is the input.
    """

    counts: Counts
    keeps_input: bool
    keeps_output: bool
    hands_on: bool


class _Kernels(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the kernels that run: their number, their multiply-adds, and the bytes that they read and write."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.multiply_adds = 0.0
        self.moved_bytes = 0.0
        self.kernels = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not _is_view(func):
            self.kernels += 1
            given = (value for name, value in (kwargs or {}).items() if name != "out")  # which is the result
            self.moved_bytes += sum(_bytes(value) for value in (*args, *given, result))
            self.multiply_adds += _multiply_adds(func, args, kwargs or {}, result)
        return result


@cache
def _is_view(func: Any) -> bool:
    """Return whether a kernel moves no data: all that it returns aliases what it was given, unchanged."""
    returns = func._schema.returns
    return bool(returns) and all(value.alias_info is not None and not value.alias_info.is_write for value in returns)


def _bytes(value: Any) -> float:
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    return sum(map(_bytes, value)) if isinstance(value, list | tuple) else 0.0


def _multiply_adds(func: Any, args: Any, kwargs: Any, result: Any) -> float:
    """Return the multiply-adds of a kernel: those of matrix products, convolutions, attention, FFTs and fused RNNs."""
    name = func._schema.name.removeprefix("aten::")
    if name in ("_fft_r2c", "_fft_c2r", "_fft_c2c"):
        return _fft(name, args, result)
    backward = name.endswith("backward")
    if name.startswith("_scaled_dot_product_flash_attention_for_cpu"):
        query, key = (args[1], args[2]) if backward else (args[0], args[1])
        products = 5.0 if backward else 2.0  # the backward pass computes the scores anew
        return float(products * query.numel() * key.shape[-2])
    if name.startswith("mkldnn_rnn_layer"):
        inputs, gates = args[0].shape[-1], args[1].shape[0]  # four gates as wide as the state
        once = args[0].numel() / inputs * gates * (inputs + gates // 4)
        return float(once * (2.0 if backward else 1.0))
    formula = flop_registry.get(getattr(torch.ops.aten, name.removesuffix("_"), None))  # in place costs the same
    return 0.0 if formula is None else float(formula(*args, **kwargs, out_val=result) / 2)


def _fft(name: str, args: Any, result: Tensor) -> float:
    """Return 5/2 n log2(n), half the usual 5 n log2(n) operations of a complex transform; a real one takes half."""
    whole = result if name == "_fft_c2r" else args[0]
    length = math.prod(whole.shape[axis] for axis in args[1])
    share = 1.0 if name == "_fft_c2c" else 0.5
    return share * 2.5 * whole.numel() * math.log2(max(length, 2))


def trace(
    run: Callable[[Sequence[Tensor]], Tensor],
    inputs: Sequence[Tensor],
    *,
    parameters: Sequence[Tensor] = (),
    training: bool = True,
) -> Trace:
    """Run a piece forwards and, in training, backwards and count.

    Args:
        run: Returns one tensor; random numbers may come from torch's global generator, whose state is restored.
        inputs: Given to `run`; with gradients where there are gradients in training.
        parameters: Kept by the model anyway, so not counted among the kept bytes.
        training: Whether there are gradients.
    """
    outside = {tensor.untyped_storage().data_ptr() for tensor in parameters}
    given = {tensor.untyped_storage().data_ptr() for tensor in inputs}
    kept: dict[int, tuple[int, Tensor]] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in outside:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(training), only_torchs_products():
        with _Kernels() as forward, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            result = run(inputs)
        out = result.untyped_storage().data_ptr()
        own = sum(size for pointer, (size, _) in kept.items() if pointer not in given)
        with _Kernels() as backward:
            if result.requires_grad and result.grad_fn is not None:
                result.backward(torch.ones_like(result))  # type: ignore[no-untyped-call]
    for tensor in (*inputs, *parameters):
        tensor.grad = None
    counts = Counts(
        multiply_adds=forward.multiply_adds,
        training_multiply_adds=forward.multiply_adds + backward.multiply_adds,
        kept_bytes=float(own),
        moved_bytes=forward.moved_bytes + backward.moved_bytes,
        kernels=float(forward.kernels + backward.kernels),
    )
    return Trace(counts, keeps_input=bool(given & set(kept)), keeps_output=out in kept, hands_on=out in given)


@dataclass(frozen=True)
class Traces:
    """The traces of `size` rows and of twice as many: all counts are affine in the number of rows.

    Only the kernels of a recurrence are not quite: the more rows, the fewer of its
    steps are prepared at a time on the way back.
    """

    low: Trace
    high: Trace
    size: int

    def at(self, rows: float) -> Counts:
        """Return the counts for any number of rows."""
        return self.low.counts + (self.high.counts - self.low.counts) * (rows / self.size - 1)


def traces(run: Callable[[int], Trace], *, size: int = 2) -> Traces:
    """Return the traces of what `run` does with so many rows, such as windows, and with twice as many."""
    return Traces(run(size), run(2 * size), size)


def count_kernels(run: Callable[[], object]) -> Counts:
    """Return the counts of a function that has no backward pass."""
    with _Kernels() as kernels, only_torchs_products():
        run()
    return Counts(
        training_multiply_adds=kernels.multiply_adds, moved_bytes=kernels.moved_bytes, kernels=kernels.kernels
    )
