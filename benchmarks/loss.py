"""TS2Vec's hierarchical loss, forward and backward: ours against the public code, on one thread.

Usage: python benchmarks/loss.py --public CHECKOUT [--precision bfloat16]
Prints the ratio for both shapes; the last line is the worse of the two shares of what is needed, times 6.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import torch
from machine import matmul_flops
from public_ts2vec import import_from, machine_line, one_thread, parser, verdict
from timing import in_turn
from torch import Tensor

from contrastive.hierarchy import build_scales, contrast
from search_space import registry

SHAPES = {(2, 3000, 320): 6.0, (8, 200, 320): 2.0}
TOLERANCE = 1e-4


def main(arguments: Sequence[str] | None = None) -> int:
    """Check that both losses are equal, then time them."""
    asked = parser(__doc__).parse_args(arguments)
    one_thread()
    import_from(asked.public)
    from models.losses import hierarchical_contrastive_loss  # type: ignore[import-not-found]  # from the checkout

    print(machine_line())
    limit = matmul_flops()
    shares = []
    for shape, needed in SHAPES.items():
        z1 = torch.randn(shape, generator=torch.Generator().manual_seed(0)) / 10
        z2 = z1 + torch.randn(shape, generator=torch.Generator().manual_seed(1)) / 20
        public, ours = _once(hierarchical_contrastive_loss, z1, z2), _once(_ours(asked.precision), z1, z2)
        gap = abs(float(public[0] - ours[0]))
        angle = float((public[1] - ours[1]).norm() / public[1].norm())
        print(f"{shape}: losses differ by {gap:.1e} (allowed {TOLERANCE:g}), gradients by {angle:.1e} of their length")
        if gap > TOLERANCE:
            print("the losses are not equal")
            return 1
        timings = in_turn(
            [
                lambda z1=z1, z2=z2: _once(hierarchical_contrastive_loss, z1, z2),  # type: ignore[misc]
                lambda z1=z1, z2=z2: _once(_ours(asked.precision), z1, z2),  # type: ignore[misc]
            ],
            repeats=asked.repeats,
        )
        ratio = timings[0].median / timings[1].median
        # Temporal pairs of all levels: 4/3 of the finest level's (2T)^2 products of D numbers, three times over.
        work = 3 * 2 * shape[0] * (2 * shape[1]) ** 2 * shape[2] * 4 / 3
        rate = work / timings[1].median / limit
        print(f"  public {timings[0]}, ours {timings[1]}: ratio {ratio:.2f} (needs {needed:g});", end=" ")
        print(f"{timings[1].median / shape[0] / shape[1] * 1e6:.1f} us a step, {rate:.1f} of the limit of all products")
        shares.append(ratio / needed)
    return verdict(min(shares) * SHAPES[2, 3000, 320], SHAPES[2, 3000, 320])


def _ours(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    pairs = [registry.build("pair", kind) for kind in ("instance", "temporal")]
    loss = registry.build("loss", "nt_xent", temperature=1.0)
    similarity = registry.build("similarity", "dot")

    def run(z1: Tensor, z2: Tensor) -> Tensor:
        scales = build_scales(z1, z2, pool="max", kernel=2)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=name == "bfloat16"):
            return contrast(scales, pairs=pairs, loss=loss, similarity=similarity, hierarchical=True)

    return run


def _once(loss: Callable[[Tensor, Tensor], Tensor], z1: Tensor, z2: Tensor) -> tuple[Tensor, Tensor]:
    """Return a loss and its gradient to the first view."""
    first, second = z1.clone().requires_grad_(), z2.clone().requires_grad_()
    value = loss(first, second)
    value.backward()  # type: ignore[no-untyped-call]
    assert first.grad is not None
    return value.detach(), first.grad


if __name__ == "__main__":
    sys.exit(main())
