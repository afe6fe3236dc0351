"""One trial: train a genotype on a task, probe it along the way, keep what it ends with."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
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
from nas.trial_state import TrialState, TrialStateError, read_state, whose_state
from search_space.genotype import Genotype, GenotypeError

WINDOWS_TO_FIT = 128
"""Training windows that readouts and banks are fitted to."""
LONG_STEPS = 512
"""Longest training cut of an encoder that is a bank of kernels: it is cheap, and its dilations reach far."""
PROBE_SHARES = (0.0, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Trial:
    """What one trial gave: score, weights and details are those of its last iteration.

    A trial that diverged has none of the three. What training was worth before its end, the curve says.

    Args:
        genotype: The candidate.
        status: `completed`, `diverged` (non-finite loss), or `timeout` (stopped by the time limit).
        curve: Validation scores from iteration 0, the untrained encoder, onwards.
        iterations: Iterations asked for.
        rng_seed: Of weights, batches and views.
        seconds: Wall time from scratch, that of the trials that it went on from included.
        n_parameters: Of the encoder.
        weights: Encoder weights at the last point of the curve, on the CPU; empty where it diverged.
        higher_is_better: Direction of the scores.
        details: The probe's details at the last point.
        message: Why it ended early.
        final: Whether more iterations would change nothing.
        held_out: What the probe said at the last point of cases that it had not seen, (n, outputs); None without folds.
        state: What a trial with more iterations goes on from; None where that was not asked for, or none can.
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
    final: bool = False
    state: bytes | None = field(default=None, repr=False)
    held_out: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @property
    def best(self) -> CurvePoint | None:
        """The best point of the curve (the earliest of equals); None if nothing was probed."""
        return best_point(self.curve, higher_is_better=self.higher_is_better) if self.curve else None

    @property
    def score(self) -> float | None:
        """Validation score of the weights; None if there are none."""
        return self.curve[-1].score if self.weights else None

    @property
    def untrained_score(self) -> float | None:
        """Validation score of the untrained encoder."""
        return self.curve[0].score if self.curve else None

    @property
    def gain(self) -> float | None:
        """Trained minus untrained score, positive when training helped; None if there is no trained score."""
        if self.score is None or len(self.curve) < 2:
            return None
        difference = self.score - self.curve[0].score
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
    probe_at: Sequence[int] | None = None,
    state: bytes | None = None,
    keep_state: bool = False,
    on_curve: Callable[[tuple[CurvePoint, ...]], None] | None = None,
) -> Trial:
    """Train one candidate on one task and return its trial.

    The encoder is probed on validation data along the way, and its last weights are kept. The same arguments give the
    same bits on one CPU thread, and so do several calls that go on from each other instead of one.

    Args:
        genotype: The candidate.
        task: Its training windows are the only data that the encoder sees.
        iterations: Optimisation steps, >= 0.
        rng_seed: Of weights, batches and views.
        device: Where to train.
        time_limit: Seconds of this call after which training stops: the trial is then a `timeout`, scored as it is.
        max_steps: Longest training cut in time steps; by default the task's, or else `MAX_TRAINING_STEPS`.
        precision: Of the training steps, one of `nas.options.running.PRECISIONS`; probes always see float32.
        probe_at: Iterations to probe at, by default `PROBE_SHARES` of them all; those beyond `iterations` are left out,
            the first and the last one never are.
        state: Of a trial with fewer iterations, and all other arguments the same, which this one goes on from.
        keep_state: Whether a longer trial is to go on from this one; only one that completed can be gone on from.
        on_curve: Called with the curve so far after each probe.

    Returns:
        The trial; its status says whether it completed.

    Raises:
        GenotypeError: If the candidate cannot be built for the task.
        TrialStateError: If the state is damaged, or of another or no shorter trial.
    """
    began = time.perf_counter()
    device = torch.device(device)
    whose = whose_state(genotype, task, rng_seed=rng_seed, device=device, max_steps=max_steps, precision=precision)
    before = TrialState((), 0.0, {}) if state is None else read_state(state, whose)
    if before.curve and before.iteration >= iterations:
        raise TrialStateError(f"the state is of {before.iteration} iterations, and {iterations} were asked for")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(rng_seed)
        trainer = new_trainer(
            genotype, task, rng_seed=rng_seed, device=device, max_steps=max_steps, precision=precision
        )
        if before.curve:
            trainer.load_state(before.tensors, iteration=before.iteration)
        represent = Representer(trainer.encoder, device=device)
        scores: list[Score] = []
        curve = list(before.curve)

        def tell(point: CurvePoint) -> None:
            curve.append(point)
            if on_curve is not None:
                on_curve(tuple(curve))

        def probe() -> tuple[float]:
            trainer.settle()
            scores.append(validate(task, represent, rng_seed=rng_seed))
            return (scores[-1].value,)

        training = train(
            trainer.step,
            probe,
            model=trainer.encoder,
            probe_at=probed_at(iterations, asked=probe_at) if trainer.learns else [0],
            higher_is_better=task.spec.higher_is_better,
            ends=math.inf if time_limit is None else began + time_limit,
            on_probe=tell,
            before=before.curve,
            keep_last=True,
        )
        seconds = before.seconds + time.perf_counter() - began
        left = None
        if keep_state and training.status == "completed" and not trainer.final:
            left = TrialState(training.curve, seconds, trainer.state()).file(whose)
    diverged = training.status == "diverged"
    message = training.message
    if training.status == "timeout":
        message = f"stopped after {time_limit:g} s at iteration {trainer.iteration}"
    return Trial(
        genotype=genotype,
        status=training.status,
        curve=training.curve,
        iterations=iterations,
        rng_seed=rng_seed,
        seconds=seconds,
        n_parameters=trainer.model.n_parameters,
        higher_is_better=task.spec.higher_is_better,
        weights={} if diverged else training.weights,
        details={} if diverged else dict(scores[-1].details),
        held_out=None if diverged else scores[-1].held_out,
        message=message,
        final=trainer.final and not diverged,
        state=left,
    )


def probed_at(iterations: int, *, asked: Sequence[int] | None) -> list[int]:
    """Return the iterations that a trial is probed at, in order: those asked for, or `PROBE_SHARES`, and both ends."""
    points = [round(share * iterations) for share in PROBE_SHARES] if asked is None else asked
    return sorted({0, iterations, *(point for point in points if 0 <= point <= iterations)})


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
