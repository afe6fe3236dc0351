"""Training one member of the comparator, and the labels that it learns from."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ahc.member import Member, initialise
from ahc.training.comparisons import TaskTable
from ahc.training.linear_heads import solve_logistic, solve_ridge

if TYPE_CHECKING:
    from ahc.message_passing import GraphCollection

_SHARPNESS = (0.125, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class TrainingSettings:
    """How a comparator is trained.

    Args:
        epochs: Passes over all tasks per member, at most.
        learning_rate: AdamW's.
        weight_decay: AdamW's; high, because a few hundred labels must not be learnt by heart.
        tasks_per_step: Tasks whose comparisons share one step.
        holdout: Share of candidates that stop the training and are not trained on.
        patience: Epochs without a better held-out loss before a member stops.
        blind_share: Share of steps' tasks shown without the task-aware part.
        graph_dropout: Dropout on the graph vectors.
        failure_weight: Weight of the failure loss.
        gain_weight: Weight of the trained-gain loss.
        fit_gate: Find out first, by leaving families out, how far the task-aware
            part is to be trusted on a task that is new.
    """

    epochs: int = 60
    learning_rate: float = 1e-2
    weight_decay: float = 2.0
    tasks_per_step: int = 2
    holdout: float = 0.15
    patience: int = 20
    blind_share: float = 0.15
    graph_dropout: float = 0.3
    failure_weight: float = 0.1
    gain_weight: float = 0.05
    fit_gate: bool = True


@dataclass(frozen=True)
class TaskLabels:
    """One task's labels as tensors; rows of `graphs` and `tried` index the encoded genotypes."""

    family: str
    coordinates: Tensor  # (1, axes)
    graphs: Tensor
    p_better: Tensor
    emphasis: Tensor
    gains: Tensor
    tried: Tensor
    failed: Tensor


def task_labels(table: TaskTable, *, coordinates: Tensor, rows: Mapping[str, int]) -> TaskLabels:
    """Return a task's labels; `rows` maps a genotype key to its row of the encoded batch."""
    # Mistakes among the best cost a user more than mistakes among the worst.
    percentile = table.scores.argsort().argsort() / max(len(table.scores) - 1, 1)
    emphasis = 0.5 + np.maximum(percentile[:, None], percentile[None, :])
    np.fill_diagonal(emphasis, 0.0)
    device = coordinates.device
    p_better, weights, gains, failed = (
        torch.from_numpy(values.astype(np.float32)).to(device)
        for values in (table.p_better(), emphasis, table.standardised_gains(), table.failed)
    )
    graphs, tried = (torch.tensor([rows[key] for key in keys], device=device) for keys in (table.keys, table.tried))
    return TaskLabels(table.family, coordinates[None], graphs, p_better, weights, gains, tried, failed)


@dataclass(frozen=True)
class Material:
    """What all members learn from: the graphs of all candidates, and how to train."""

    graphs: GraphCollection
    how: TrainingSettings


class MemberTrainer:
    """Trains one member, from new weights and with its own held-out candidates; holds what all its steps share."""

    def __init__(self, member: Member, material: Material, *, rng: np.random.Generator) -> None:
        from ahc.message_passing import MessagePassingEncoder

        self.member, self.graphs, self.how = member, material.graphs, material.how
        self.encode = MessagePassingEncoder(member.encoder)
        self.generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        drawn = torch.rand(len(self.graphs), generator=self.generator)
        self.held_out = drawn.to(member.sharpness.device) < self.how.holdout
        initialise(member, generator=self.generator)

    def fit(self, tasks: Sequence[TaskLabels]) -> tuple[float, int]:
        """Train until the held-out loss stops falling; return that loss and its epoch."""
        how = self.how
        optimiser = torch.optim.AdamW(self.member.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay)
        steps = how.epochs * -(-len(tasks) // how.tasks_per_step)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=how.learning_rate, total_steps=max(steps, 2))
        # With very few candidates nothing may be held out; then the training pairs must do.
        judge_held_out = any(bool(_pairs(self.held_out[task.graphs]).sum() > 1) for task in tasks)
        best, best_epoch, best_sharpness, kept = float("inf"), 0, 1.0, copy.deepcopy(self.member.state_dict())
        for epoch in range(1, how.epochs + 1):
            order = [tasks[at] for at in torch.randperm(len(tasks), generator=self.generator).tolist()]
            for start in range(0, len(order), how.tasks_per_step):
                optimiser.zero_grad()
                self._loss(order[start : start + how.tasks_per_step]).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self.member.parameters(), 1.0)
                optimiser.step()
                schedule.step()
            held, sharpness = self.calibrated_loss(tasks, gate=1.0, only_held_out=judge_held_out)
            if held < best:
                best, best_epoch, best_sharpness, kept = held, epoch, sharpness, copy.deepcopy(self.member.state_dict())
            elif epoch - best_epoch >= how.patience:
                break
        self.member.load_state_dict(kept)
        self.member.sharpness.fill_(best_sharpness)
        self._solve_side_heads(tasks)
        return best, best_epoch

    @torch.no_grad()
    def _solve_side_heads(self, tasks: Sequence[TaskLabels]) -> None:
        graphs, rows = self._encode([task.tried for task in tasks])
        tried = graphs[rows[torch.cat([task.tried for task in tasks])]]
        with torch.enable_grad():
            solve_logistic(self.member.failure, features=tried, target=torch.cat([task.failed for task in tasks]))
        gains = torch.cat([task.gains for task in tasks])
        scored = graphs[rows[torch.cat([task.graphs for task in tasks])]]
        known = torch.isfinite(gains)
        if bool(known.any()):
            solve_ridge(self.member.gain, features=scored[known], target=gains[known])

    def _loss(self, tasks: Sequence[TaskLabels]) -> Tensor:
        graphs, rows = self._encode([task.tried for task in tasks])
        keep = 1.0 - self.how.graph_dropout
        noise = torch.rand(graphs.shape, generator=self.generator).to(graphs.device)
        graphs = graphs * (noise < keep) / keep
        blind = torch.rand(len(tasks), generator=self.generator) < self.how.blind_share
        losses = []
        for task, without_task in zip(tasks, blind.tolist(), strict=True):
            own, trained = graphs[rows[task.graphs]], ~self.held_out[task.graphs]
            scores = self.member.scores(own, tasks=task.coordinates, gate=0.0 if without_task else 1.0)
            differences = scores[:, None] - scores[None, :]
            loss = _comparison_loss(differences, label=task.p_better, weight=task.emphasis * _pairs(trained))
            seen = ~self.held_out[task.tried]
            failure = self.member.failure(graphs[rows[task.tried]])[:, 0]
            failing = nn.functional.binary_cross_entropy_with_logits(failure, task.failed, reduction="none")
            known = torch.isfinite(task.gains) & trained
            error = (self.member.gain(own)[:, 0] - torch.nan_to_num(task.gains)) ** 2
            losses.append(
                loss
                + self.how.failure_weight * (failing * seen).sum() / seen.sum().clamp(min=1)
                + self.how.gain_weight * (error * known).sum() / known.sum().clamp(min=1)
            )
        return torch.stack(losses).mean()

    @torch.no_grad()
    def calibrated_loss(
        self, tasks: Sequence[TaskLabels], *, gate: float, only_held_out: bool = False
    ) -> tuple[float, float]:
        """Return the mean comparison loss over tasks at the sharpness that suits it best, and that sharpness.

        A network soon becomes too sure of itself while its order still improves; the
        loss at the best sharpness sees the order.

        Args:
            tasks: The tasks to judge.
            gate: Weight of the task-aware part.
            only_held_out: Judge pairs of held-out candidates only, otherwise all pairs.
        """
        judged = [
            self.held_out[task.graphs] if only_held_out else torch.ones_like(task.graphs, dtype=torch.bool)
            for task in tasks
        ]
        graphs, rows = self._encode([task.graphs[chosen] for task, chosen in zip(tasks, judged, strict=True)])
        sharpness = torch.tensor(_SHARPNESS, device=graphs.device)
        losses = []
        for task, chosen in zip(tasks, judged, strict=True):
            label = task.p_better[chosen][:, chosen].expand(len(sharpness), -1, -1)
            scores = self.member.scores(graphs[rows[task.graphs[chosen]]], tasks=task.coordinates, gate=gate)
            logits = sharpness[:, None, None] * (scores[:, None] - scores[None, :])
            losses.append(_comparison_loss(logits, label=label, weight=task.emphasis[chosen][:, chosen]))
        mean = torch.stack(losses).mean(dim=0)
        best = int(mean.argmin())
        return float(mean[best]), _SHARPNESS[best]

    def _encode(self, graphs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Encode each distinct graph once; the second value maps a row of the batch to its vector."""
        distinct = torch.unique(torch.cat(list(graphs)))
        rows = torch.zeros(len(self.graphs), dtype=torch.int64, device=distinct.device)
        rows[distinct] = torch.arange(len(distinct), device=distinct.device)
        return self.encode(self.graphs.batch(distinct)), rows


def _pairs(chosen: Tensor) -> Tensor:
    return (chosen[:, None] & chosen[None, :]).float()


def _comparison_loss(logits: Tensor, *, label: Tensor, weight: Tensor) -> Tensor:
    """Weighted cross entropy of soft labels over all pairs, (...,) from (..., candidates, candidates)."""
    losses = nn.functional.binary_cross_entropy_with_logits(logits, label, reduction="none")
    return (losses * weight).sum(dim=(-2, -1)) / weight.sum().clamp(min=1.0)
