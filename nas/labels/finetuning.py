"""Labels for an encoder that was found without them: a linear head, low-rank updates, or all weights."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.task import Task
from downstream.windows import Windows
from encoders.combined import AnyEncoder
from nas.errors import NothingTrainedError
from nas.labels.fit import fit, predict
from nas.labels.heads import LabelledModel
from nas.labels.kinds import supervision_of
from nas.labels.low_rank import add_low_rank, merge
from nas.labels.modes import ModeName
from nas.labels.supervision import SolvedHead, Supervision
from nas.training.curve import Training

# A linear head is solved for.
LEARNING_RATES: Mapping[ModeName, tuple[float, ...]] = MappingProxyType(
    {"linear": (), "lora": (1e-3, 1e-2), "full": (1e-4, 1e-3)}
)
# Per row: the head where training begins bears noise of a tenth of each feature's deviation.
FIRM_PENALTY = 0.01


@dataclass(frozen=True)
class FineTuned:
    """An encoder with a head, and how they came about.

    Args:
        supervision: What it learnt from.
        mode: How much of the encoder could change.
        model: Encoder (merged) and head that are best on what is held out; in evaluation mode, on the device.
        head: How the head was made.
        errors: On what is held out, with a head that has not seen it; see `Supervision.errors`.
        probe: The linear head on the encoder as it was.
        fit: The training of the best learning rate; None for `linear`.
        learning_rate: The one that was best on what is held out; None for `linear`.
        iterations: Asked for, per learning rate.
        n_trained: Numbers of the encoder that could change.
        frozen: Kinds of modules that kept their own weights (`lora`).
    """

    supervision: Supervision = field(repr=False)
    mode: ModeName
    model: LabelledModel = field(repr=False)
    head: str
    errors: tuple[float, ...]
    probe: SolvedHead
    iterations: int
    fit: Training | None = None
    learning_rate: float | None = None
    n_trained: int = 0
    frozen: tuple[str, ...] = ()

    @property
    def helped(self) -> bool:
        """Whether a changed encoder is better than the linear head alone, on what is held out."""
        return self.errors < self.probe.errors

    @property
    def chosen(self) -> str:
        """What was chosen on what is held out, in words."""
        if self.fit is None or not self.helped:
            return f"linear head, {self.head}"
        best = f"iteration {self.fit.best.iteration} of {self.iterations} ({self.fit.status})"
        return f"learning rate {self.learning_rate:g}, {best}; linear head {self.head}"

    def outputs(self, windows: Windows) -> NDArray[np.float32]:
        """Return class scores (n, classes), or forecasts in scaled units (n, longest horizon, targets)."""
        return predict(self.model, windows)


def finetune_encoder(
    encoder: AnyEncoder,
    task: Task,
    *,
    mode: ModeName = "lora",
    rank: int = 8,
    iterations: int = 300,
    learning_rate: float | None = None,
    rng_seed: int = 0,
    device: torch.device | str = "cpu",
    on_fit: Callable[[str], None] | None = None,
) -> FineTuned:
    """Fit a linear head to an encoder's pooled representations, and let the encoder follow the labels.

    `linear` leaves the encoder alone, and its head is solved for. `lora` gives the encoder's linear and convolution
    weights low-rank updates, which are merged into them at the end; recurrent layers such as GRU, biases, norms and
    filters stay as they are. `full` changes everything.

    Both begin with a solved head (Kumar et al. 2022, arXiv:2202.10054: one at random would first distort the
    representations) whose penalty is at least `FIRM_PENALTY`, so that small changes of the encoder stay small in
    its outputs. At the end a head is solved for once more. Of the encoder as it was with its head, of what was
    trained, and of that with the new head, the best is handed over.

    Everything chosen - penalty, learning rate, point of the curve, head - is best on what is held out: a fifth of
    the training cases of every class, or the validation rows. A head of classes that was solved for is then fitted
    to all training cases with its penalty; forecasts keep to the training rows, as published protocols do. The same
    arguments give the same bits on one CPU thread.

    Args:
        encoder: Not changed.
        task: Its test part is not touched.
        mode: How much of the encoder may change.
        rank: Of the low-rank updates (`lora`), >= 1.
        iterations: Optimiser steps at most, for each learning rate.
        learning_rate: The largest of the steps; None tries those in `LEARNING_RATES`.
        rng_seed: Of held-out cases, batches and updates.
        device: Where to train.
        on_fit: Called after the first head and after each learning rate with what it was.

    Returns:
        The encoder with its head.

    Raises:
        DataError: If no class has two cases.
        OptionError: If tasks of this kind have no labels.
        NothingTrainedError: If the encoder gives representations that are not finite.
        ValueError: If the mode or the rank is not as stated.
    """
    if mode not in LEARNING_RATES:
        raise ValueError(f"mode must be one of {', '.join(LEARNING_RATES)}, got {mode!r}")
    device = torch.device(device)
    done = on_fit or (lambda what: None)
    supervision = supervision_of(task.spec.kind)(task, rng_seed=rng_seed, device=device)
    plain = copy.deepcopy(encoder).to(device).eval()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(rng_seed)
        try:
            probe = supervision.solve(plain)
        except FloatingPointError as error:
            raise NothingTrainedError(f"{task.spec.name}: {error}") from error
        done(f"linear head, {probe.setting}")
        if mode == "linear":
            head, how = supervision.handed_over(plain, probe)
            return FineTuned(supervision, mode, LabelledModel(plain, head).eval(), how, probe.errors, probe, iterations)
        firm = supervision.solve(plain, least_penalty=FIRM_PENALTY)
        model = LabelledModel(copy.deepcopy(plain), firm.head)
        model.encoder.requires_grad_(True)
        kept = add_low_rank(model.encoder, rank=rank) if mode == "lora" else ()
        n_trained = sum(weight.numel() for weight in model.encoder.parameters() if weight.requires_grad)
        begin = copy.deepcopy(model.state_dict())
        fits: dict[float, Training] = {}
        for rate in LEARNING_RATES[mode] if learning_rate is None else (learning_rate,):
            model.load_state_dict(begin)
            fits[rate] = fit(
                model,
                supervision,
                iterations=iterations,
                learning_rate=rate,
                generator=torch.Generator(device=device).manual_seed(rng_seed),
            )
            done(f"{mode}, learning rate {rate:g}: {fits[rate].status}")
        best = min(fits, key=lambda rate: fits[rate].best.scores)
        model.load_state_dict(fits[best].weights)
        merge(model.encoder)
        anew = supervision.solve(model.encoder)
        errors = min(probe.errors, anew.errors, fits[best].best.scores)
        if errors == probe.errors:
            head, how = supervision.handed_over(plain, probe)
            model = LabelledModel(plain, head)
        elif errors == anew.errors:
            head, how = supervision.handed_over(model.encoder, anew)
            model, how = LabelledModel(model.encoder, head), f"solved for again, {how}"
        else:
            how = f"trained with the encoder from {firm.setting}"
    return FineTuned(supervision, mode, model.eval(), how, errors, probe, iterations, fits[best], best, n_trained, kept)


def n_fits(mode: ModeName, *, learning_rate: float | None) -> int:
    """Return how often `finetune_encoder` calls `on_fit`."""
    if mode == "linear" or learning_rate is None:
        return 1 + len(LEARNING_RATES[mode])
    return 2
