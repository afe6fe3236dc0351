"""One trial: train a genotype on a task, probe it along the way, keep what is best on validation."""

import math
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor

from downstream.evaluation import validate
from downstream.scores import Score
from downstream.task import Task
from nas.representer import Representer
from nas.training.batches import BatchSource
from nas.training.closed_form import ClosedFormTrainer
from nas.training.curve import CurvePoint, best_point, train
from nas.training.loop import Trainer
from nas.training.model import ContrastiveModel
from search_space.genotype import Genotype, GenotypeError

WINDOWS_TO_FIT = 128
"""Training windows that readouts and banks are fitted to."""
LONG_STEPS = 512
"""Longest training cut of an encoder that is a bank of kernels: it is cheap, and its dilations reach far."""
PROBE_SHARES = (0.0, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Trial:
    """What one trial gave.

    Args:
        genotype: The candidate.
        status: `completed`, `diverged` (non-finite loss), or `timeout` (stopped by the time limit).
        curve: Validation scores from iteration 0, the untrained encoder, onwards.
        iterations: Iterations asked for.
        rng_seed: Of weights, batches and views.
        seconds: Wall time.
        n_parameters: Of the encoder.
        weights: Encoder weights at the best point of the curve, on the CPU.
        higher_is_better: Direction of the scores.
        details: The probe's details at the best point.
    """

    genotype: Genotype
    status: str
    curve: tuple[CurvePoint, ...]
    iterations: int
    rng_seed: int
    seconds: float
    n_parameters: int
    higher_is_better: bool
    weights: dict[str, Tensor] = field(repr=False)
    details: dict[str, float] = field(default_factory=dict)
    message: str = ""

    @property
    def best(self) -> CurvePoint | None:
        """The point of the curve whose weights were kept (the earliest of equals); None if nothing was probed."""
        return best_point(self.curve, higher_is_better=self.higher_is_better) if self.curve else None

    @property
    def score(self) -> float | None:
        """Validation score of the kept weights."""
        return self.best.score if self.best else None

    @property
    def untrained_score(self) -> float | None:
        """Validation score of the untrained encoder."""
        return self.curve[0].score if self.curve else None

    @property
    def gain(self) -> float | None:
        """Best trained minus untrained score, positive when training helped; None if nothing was trained."""
        if len(self.curve) < 2:
            return None
        best = best_point(self.curve[1:], higher_is_better=self.higher_is_better)
        difference = best.score - self.curve[0].score
        return difference if self.higher_is_better else -difference


def train_candidate(
    genotype: Genotype,
    task: Task,
    *,
    iterations: int,
    rng_seed: int = 0,
    device: torch.device | str = "cpu",
    time_limit: float | None = None,
    max_steps: int | None = None,
    precision: str = "float32",
) -> Trial:
    """Train one candidate on one task and return its trial.

    The encoder is probed on validation data at `PROBE_SHARES` of the iterations, iteration 0 included; the weights
    that were best are kept. The same arguments give the same bits on one CPU thread.

    Args:
        genotype: The candidate.
        task: Its training windows are the only data that the encoder sees.
        iterations: Optimisation steps, >= 0.
        rng_seed: Of weights, batches and views.
        device: Where to train.
        time_limit: Seconds after which training stops; the trial is then a `timeout` with the curve so far.
        max_steps: Longest training cut in time steps; by default the task's, or else `MAX_TRAINING_STEPS`.
        precision: Of the training steps, one of `nas.options.running.PRECISIONS`; probes always see float32.

    Returns:
        The trial; its status says whether it completed.

    Raises:
        GenotypeError: If the candidate cannot be built for the task.
    """
    began = time.perf_counter()
    device = torch.device(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(rng_seed)
        trainer = new_trainer(
            genotype, task, rng_seed=rng_seed, device=device, max_steps=max_steps, precision=precision
        )
        represent = Representer(trainer.encoder, device=device)
        scores: list[Score] = []

        def probe() -> tuple[float]:
            trainer.settle()
            scores.append(validate(task, represent, rng_seed=rng_seed))
            return (scores[-1].value,)

        training = train(
            trainer.step,
            probe,
            model=trainer.encoder,
            probe_at=sorted({round(share * iterations) for share in PROBE_SHARES}) if trainer.learns else [0],
            higher_is_better=task.spec.higher_is_better,
            ends=math.inf if time_limit is None else began + time_limit,
        )
    message = training.message
    if training.status == "timeout":
        message = f"stopped after {time_limit:g} s at iteration {trainer.iteration}"
    return Trial(
        genotype=genotype,
        status=training.status,
        curve=training.curve,
        iterations=iterations,
        rng_seed=rng_seed,
        seconds=time.perf_counter() - began,
        n_parameters=trainer.model.n_parameters,
        higher_is_better=task.spec.higher_is_better,
        weights=training.weights,
        details=dict(scores[training.curve.index(training.best)].details) if training.curve else {},
        message=message,
    )


def new_trainer(
    genotype: Genotype,
    task: Task,
    *,
    rng_seed: int,
    device: torch.device,
    max_steps: int | None,
    precision: str = "float32",
) -> Trainer | ClosedFormTrainer:
    """Build the model, its batches, and its optimiser or what stands in for one."""
    try:
        model = ContrastiveModel(genotype, variates=task.n_variates).to(device)
        windows = task.training_windows(limit=WINDOWS_TO_FIT)
        model.fit(torch.as_tensor(windows.gather(slice(WINDOWS_TO_FIT)), device=device))
    except ValueError as error:
        raise GenotypeError(f"cannot be built for {task.n_variates} variates: {error}") from error
    windows = task.training_windows()
    batches = BatchSource(
        windows,
        batch_size=genotype.train.batch_size,
        independent=genotype.encoder.channels == "independent",
        device=device,
        max_steps=max_steps or task.training_cut or (LONG_STEPS if model.encoder.bank is not None else None),
    )
    generator = torch.Generator(device=device).manual_seed(rng_seed)
    if genotype.has_closed_form:
        return ClosedFormTrainer(model, windows=windows, batches=batches, generator=generator)
    return Trainer(model, batches=batches, generator=generator, precision=precision)
