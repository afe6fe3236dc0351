"""One training step of TS2Vec on two sections of ETTh1, the public code's and ours, on crops that keep all steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nas.training.loop import Trainer
from nas.training.model import ContrastiveModel
from search_space.presets import preset

STEPS, BATCH, VARIATES = 4320, 2, 14
"""ETTh1's training rows in two sections: seven variates and seven time features."""


class _Always:
    """A batch source that gives the same windows every time."""

    def __init__(self, windows: Tensor) -> None:
        self._windows = windows
        self.n_windows = len(windows)

    def draw_with_places(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return them and their places."""
        return self._windows, torch.arange(self.n_windows)


def windows() -> Tensor:
    """Return random walks of ETTh1's size; what a step costs does not depend on the values."""
    walk = torch.randn(BATCH, STEPS, VARIATES, generator=torch.Generator().manual_seed(0)).cumsum(dim=1)
    return (walk - walk.mean(dim=1, keepdim=True)) / walk.std(dim=1, keepdim=True)


def public_step(ts2vec: Any) -> Callable[[], None]:
    """Return one step of the public code: one more iteration of its `fit`."""
    torch.manual_seed(0)
    model = ts2vec.TS2Vec(input_dims=VARIATES, device="cpu", output_dims=320, batch_size=8, lr=0.001)
    data = windows().double().numpy()

    def step() -> None:
        with _longest_crops():
            model.fit(data, n_iters=model.n_iters + 1)

    return step


def our_step(precision: str) -> Callable[[], None]:
    """Return one step of the preset without its crop, on one thread as any candidate."""
    torch.manual_seed(0)
    genotype = preset("ts2vec", kind="forecasting")
    chains = [tuple(choice for choice in chain if choice.name != "crop") for chain in (genotype.aug1, genotype.aug2)]
    genotype = dataclasses.replace(genotype, aug1=chains[0], aug2=chains[1])
    model = ContrastiveModel(genotype, variates=VARIATES)
    batches: Any = _Always(windows())
    trainer = Trainer(model, batches=batches, generator=torch.Generator().manual_seed(0), precision=precision)

    def step() -> None:
        trainer.step()

    return step


@contextmanager
def _longest_crops() -> Iterator[None]:
    """Let the public code draw the largest of what it draws from: then both of its crops are the whole section."""

    def largest(low: int, high: Any = None, size: Any = None) -> Any:
        most = (low if high is None else high) - 1
        return most if size is None else np.full(size, most)

    drawn = np.random.randint
    np.random.randint = largest  # type: ignore[assignment]
    try:
        yield
    finally:
        np.random.randint = drawn
