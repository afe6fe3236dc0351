"""Seconds per iteration from counts, through a small linear model that is fitted on measured iterations."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import nnls

from downstream.windows import Windows
from nas.cost.counting import Counts
from nas.training.batches import BatchSource
from nas.training.loop import Trainer
from nas.training.model import ContrastiveModel
from search_space.genotype import Genotype
from search_space.sampling import sample_candidates
from search_space.space import full_space


@dataclass(frozen=True)
class Speed:
    """How fast a machine is.

    Args:
        base: Seconds of an iteration that does nothing.
        per_multiply_add: Seconds.
        per_byte: Seconds per byte that kernels read and write.
        per_kernel: Seconds of starting a kernel; a recurrence starts some at every step.
    """

    base: float
    per_multiply_add: float
    per_byte: float
    per_kernel: float

    def seconds(self, counts: Counts) -> float:
        """Return the predicted seconds of an iteration."""
        return (
            self.base
            + self.per_multiply_add * counts.training_multiply_adds
            + self.per_byte * counts.moved_bytes
            + self.per_kernel * counts.kernels
        )


def default_speed() -> Speed:
    """Return the shipped speed: fitted to 17 genotypes of the full space on one thread of a server's CPU at work."""
    return Speed(base=0.0, per_multiply_add=3.5e-11, per_byte=1.25e-10, per_kernel=5.8e-6)


def calibrate(
    genotypes: Sequence[Genotype] | None = None,
    *,
    variates: int = 3,
    steps: int = 64,
    repeats: int = 3,
    device: torch.device | str = "cpu",
) -> Speed:
    """Measure this machine: time a few iterations of some genotypes and fit the linear model.

    Takes some seconds. The fit minimises relative errors with coefficients that
    are not negative, so that no piece of a candidate is predicted to save time.

    Args:
        genotypes: What to time; None for 16 of the full space.
        variates: Of the windows.
        steps: Of a window.
        repeats: Timed iterations per genotype; the fastest counts.
        device: Where to time.

    Raises:
        ValueError: If there is no genotype.
    """
    from nas.cost.model import cost

    chosen = sample_candidates(16, np.random.default_rng(0), full_space()) if genotypes is None else list(genotypes)
    if not chosen:
        raise ValueError("calibrate: at least one genotype is needed, got none")
    counts = [cost(one, variates=variates, steps=steps).counts for one in chosen]
    seconds = [seconds_per_iteration(g, variates=variates, steps=steps, repeats=repeats, device=device) for g in chosen]
    return fit_speed(counts, seconds)


def fit_speed(counts: Sequence[Counts], seconds: Sequence[float]) -> Speed:
    """Return the speed that explains measured seconds with the least relative error."""
    table = np.array([[1.0, one.training_multiply_adds, one.moved_bytes, one.kernels] for one in counts])
    relative = table / np.asarray(seconds)[:, None]
    scale = relative.max(axis=0)
    found, _ = nnls(relative / scale, np.ones(len(relative)))
    base, per_multiply_add, per_byte, per_kernel = (float(value) for value in found / scale)
    return Speed(base=base, per_multiply_add=per_multiply_add, per_byte=per_byte, per_kernel=per_kernel)


def seconds_per_iteration(
    genotype: Genotype, *, variates: int, steps: int, repeats: int = 3, device: torch.device | str = "cpu"
) -> float:
    """Return the least measured seconds of a training step on noise.

    Args:
        genotype: The candidate.
        variates: Of the windows.
        steps: Of a window.
        repeats: Timed iterations, after one that is not.
        device: Where to run.
    """
    device = torch.device(device)
    n_windows = genotype.train.batch_size
    noise = np.random.default_rng(0).normal(size=(n_windows * steps, variates)).astype(np.float32)
    batches = BatchSource(
        Windows(noise, steps * np.arange(n_windows), steps),
        batch_size=n_windows,
        independent=genotype.encoder.channels == "independent",
        device=device,
        max_steps=steps,
    )
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        model = ContrastiveModel(genotype, variates=variates).to(device)
        trainer = Trainer(model, batches=batches, generator=torch.Generator(device=device).manual_seed(0))
        taken = []
        for _ in range(repeats + 1):
            began = time.perf_counter()
            trainer.step()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            taken.append(time.perf_counter() - began)
    return min(taken[1:])
