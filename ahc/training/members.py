"""Training one member of the comparator, and the labels that it learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ahc.member import Member, Place, initialise
from ahc.training.comparisons import TaskTable
from ahc.training.linear_heads import solve_logistic, solve_ridge

if TYPE_CHECKING:
    from ahc.graphs.message_passing import GraphCollection

SHARPNESS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""What differences of scores may be multiplied by in the log odds of an order."""
_IN_TRAINING = 1.5
_FEWEST_STEPS = 8  # of an epoch


@dataclass(frozen=True)
class TrainingSettings:
    """How a comparator is trained.

    Args:
        epochs: Passes over all tasks per member.
        learning_rate: Highest one of AdamW, in one cycle.
        weight_decay: AdamW's; high, because a few hundred labels must not be learnt by heart.
        tasks_per_step: Tasks whose comparisons share one step, at most.
        blind_share: Share of steps' tasks shown without the task-aware part.
        landmark_share: Share of the others that are shown with their landmarks.
        graph_dropout: Dropout on the graph vectors.
        value_weight: Weight of the error of untrained scores, beside the comparisons of them.
        gain_weight: Weight of the error of gains.
        fit_gates: Find out first, by leaving families out, how far the task-aware
            parts are to be trusted on a task that is new.
    """

    epochs: int = 30
    learning_rate: float = 1e-2
    weight_decay: float = 0.5
    tasks_per_step: int = 4
    blind_share: float = 0.15
    landmark_share: float = 0.6
    graph_dropout: float = 0.2
    value_weight: float = 0.5
    gain_weight: float = 0.5
    fit_gates: bool = True


class TaskLabels(NamedTuple):
    """One task's labels as tensors; `graphs` and `tried` index the graphs of all candidates.

    Args:
        family: Source of the task's data.
        coordinates: Of the task, (1, coordinates).
        landmarks: Of the task, (1, landmarks).
        graphs: Candidates with a score.
        untrained: Standardised scores of untrained encoders, of trained ones where nothing else is known.
        p_better: The probability that row's is above column's, (candidates, candidates).
        emphasis: Weight of each pair.
        gains: Standardised gains, NaN where unknown.
        seconds: Log seconds, NaN where unknown.
        weight: Of the task, between 0 and 1: less where noise hides the candidates' differences.
        told: Which candidates a landmark vector tells about.
        tried: All candidates that were tried.
        failed: Which of them failed.
    """

    family: str
    coordinates: Tensor
    landmarks: Tensor
    graphs: Tensor
    untrained: Tensor
    p_better: Tensor
    emphasis: Tensor
    gains: Tensor
    seconds: Tensor
    weight: float
    told: Tensor
    tried: Tensor
    failed: Tensor

    def place(self, *, landmarks: bool, gate: float) -> Place:
        """Return where the task lies, for one task that all candidates share."""
        shown = self.landmarks if landmarks else torch.zeros_like(self.landmarks)
        return Place(self.coordinates, shown, torch.full_like(self.coordinates[:, :1], gate))


def task_labels(
    table: TaskTable, *, coordinates: Tensor, landmarks: Tensor, told: set[str], rows: Mapping[str, int]
) -> TaskLabels:
    """Return a task's labels.

    Args:
        table: What is known of the task.
        coordinates: Of the task, (coordinates,).
        landmarks: Of the task, (landmarks,).
        told: Keys of candidates whose untrained encoders are fixed probes.
        rows: The row of each genotype key among the graphs.
    """
    values = np.where(np.isfinite(table.untrained), table.untrained, table.scores)
    # Mistakes among the best cost a user more than mistakes among the worst.
    percentile = values.argsort().argsort() / max(len(values) - 1, 1)
    emphasis = 0.5 + np.maximum(percentile[:, None], percentile[None, :])
    np.fill_diagonal(emphasis, 0.0)
    noise = (table.noise_sd / table.scale[1]) ** 2
    device = coordinates.device
    labels = (
        table.standardised(values),
        table.p_better(values),
        emphasis,
        table.standardised_gains(),
        table.log_seconds(),
    )
    untrained, p_better, weights, gains, seconds = (
        torch.from_numpy(np.asarray(each, dtype=np.float32)).to(device) for each in labels
    )
    return TaskLabels(
        family=table.family,
        coordinates=coordinates[None],
        landmarks=landmarks[None],
        graphs=torch.tensor([rows[key] for key in table.keys], device=device),
        untrained=untrained,
        p_better=p_better,
        emphasis=weights,
        gains=gains,
        seconds=seconds,
        weight=1.0 / (1.0 + noise),
        told=torch.tensor([key in told for key in table.keys], device=device),
        tried=torch.tensor([rows[key] for key in table.tried], device=device),
        failed=torch.from_numpy(table.failed.astype(np.float32)).to(device),
    )


@dataclass(frozen=True)
class Material:
    """What all members learn from: the graphs of all candidates, and how to train."""

    graphs: GraphCollection
    how: TrainingSettings


class MemberTrainer:
    """Trains one member, from new weights."""

    def __init__(self, member: Member, material: Material, *, rng: np.random.Generator) -> None:
        from ahc.graphs.message_passing import MessagePassingEncoder

        self.member, self.graphs, self.how = member, material.graphs, material.how
        self.encode = MessagePassingEncoder(member.encoder)
        self.generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        initialise(member, generator=self.generator)

    def fit(self, tasks: Sequence[TaskLabels]) -> float:
        """Train and return the mean loss of the last epoch."""
        how = self.how
        optimiser = torch.optim.AdamW(self.member.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay)
        # few tasks would make few steps
        together = max(1, min(how.tasks_per_step, len(tasks) // _FEWEST_STEPS))
        n_steps = -(-len(tasks) // together)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=how.learning_rate, total_steps=max(how.epochs * n_steps, 2)
        )
        losses: list[float] = []
        for _ in range(how.epochs):
            order = [tasks[at] for at in torch.randperm(len(tasks), generator=self.generator).tolist()]
            losses = []
            for start in range(0, len(order), together):
                optimiser.zero_grad()
                loss = self._loss(order[start : start + together])
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self.member.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                losses.append(float(loss.detach()))
        self._solve_side_heads(tasks)
        return float(np.mean(losses))

    @torch.no_grad()
    def _solve_side_heads(self, tasks: Sequence[TaskLabels]) -> None:
        graphs, rows = self._encode([task.tried for task in tasks])
        tried = graphs[rows[torch.cat([task.tried for task in tasks])]]
        with torch.enable_grad():
            solve_logistic(self.member.failure, features=tried, target=torch.cat([task.failed for task in tasks]))
        seconds = torch.cat([task.seconds for task in tasks])
        scored = graphs[rows[torch.cat([task.graphs for task in tasks])]]
        known = torch.isfinite(seconds)
        if bool(known.any()):
            solve_ridge(self.member.seconds, features=scored[known], target=seconds[known])

    def _loss(self, tasks: Sequence[TaskLabels]) -> Tensor:
        graphs, rows = self._encode([task.graphs for task in tasks])
        keep = 1.0 - self.how.graph_dropout
        noise = torch.rand(graphs.shape, generator=self.generator).to(graphs.device)
        graphs = graphs * (noise < keep) / keep
        drawn = torch.rand((2, len(tasks)), generator=self.generator)
        blind, shown = drawn[0] < self.how.blind_share, drawn[1] < self.how.landmark_share
        losses = []
        for task, is_blind, is_shown in zip(tasks, blind.tolist(), shown.tolist(), strict=True):
            place = task.place(landmarks=is_shown, gate=0.0 if is_blind else 1.0)
            own = graphs[rows[task.graphs]]
            # what the landmarks say themselves is not to be learnt from them
            asked = ~task.told if is_shown else torch.ones_like(task.told)
            untrained = self.member.untrained(own, place)
            comparisons = _comparison_loss(
                _IN_TRAINING * (untrained[:, None] - untrained[None, :]),
                label=task.p_better,
                weight=task.emphasis * (asked[:, None] & asked[None, :]),
            )
            known = torch.isfinite(task.gains)
            errors = self.how.value_weight * _huber(untrained, task.untrained, asked)
            errors = errors + self.how.gain_weight * _huber(self.member.gain(own, place), task.gains, known)
            losses.append(task.weight * (comparisons + errors))
        return torch.stack(losses).mean()

    @torch.no_grad()
    def says(self, task: TaskLabels, *, landmarks: bool, gate: float) -> Tensor:
        """Return untrained score and gain of the candidates of a task, (2, candidates)."""
        graphs = self.encode(self.graphs.batch(task.graphs))
        place = task.place(landmarks=landmarks, gate=gate)
        return torch.stack([self.member.untrained(graphs, place), self.member.gain(graphs, place)])

    def _encode(self, graphs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Encode each distinct graph once; the second value maps a row of the graphs to its vector."""
        distinct = torch.unique(torch.cat(list(graphs)))
        rows = torch.zeros(len(self.graphs), dtype=torch.int64, device=distinct.device)
        rows[distinct] = torch.arange(len(distinct), device=distinct.device)
        return self.encode(self.graphs.batch(distinct)), rows


def order_loss(task: TaskLabels, untrained: Tensor) -> Tensor:
    """Return the comparison loss of predictions for a task at each sharpness, (sharpnesses,), without those told."""
    asked = ~task.told
    differences = (untrained[:, None] - untrained[None, :])[asked][:, asked]
    weight = task.emphasis[asked][:, asked]
    sharpness = torch.tensor(SHARPNESS, device=untrained.device)[:, None, None]
    label = task.p_better[asked][:, asked].expand(len(SHARPNESS), -1, -1)
    return _comparison_loss(sharpness * differences, label=label, weight=weight)


def _huber(predicted: Tensor, label: Tensor, known: Tensor) -> Tensor:
    losses = nn.functional.huber_loss(predicted, torch.nan_to_num(label), reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


def _comparison_loss(logits: Tensor, *, label: Tensor, weight: Tensor) -> Tensor:
    """Weighted cross entropy of soft labels over all pairs, (...,) from (..., candidates, candidates)."""
    losses = nn.functional.binary_cross_entropy_with_logits(logits, label, reduction="none")
    return (losses * weight).sum(dim=(-2, -1)) / weight.sum().clamp(min=1e-6)
