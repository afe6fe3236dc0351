"""The comparator: which of two candidates suits a task better, without training either.

Each candidate gets one score per task, and `p_first_better(a, b, t)` is
`sigmoid(s(a, t) - s(b, t))`: antisymmetric and transitive by construction, and
ranking n candidates takes n evaluations and one sort.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ahc.gcn import normalise
from ahc.graphs.graph import WHOLE_BLOCKS, GraphBatch
from ahc.graphs.vocabulary import Vocabulary
from ahc.member import ComparatorSettings, Member, Prediction, initialise
from ahc.threads import for_each, one_thread_a_product

if TYPE_CHECKING:
    from torch_geometric.data import Data

_PART = 256  # graphs whose states stay in a core's cache

__all__ = ["Comparator", "ComparatorSettings", "Prediction", "TrainingFacts"]


@dataclass(frozen=True)
class TrainingFacts:
    """Where a comparator comes from; travels with its weights.

    Args:
        families: Families of the training tasks.
        tasks: Names of the training tasks.
        n_trials: Completed trials behind the labels.
        embedding_version: Definition of the task embedding.
        details: Anything else worth keeping; JSON values only.
    """

    families: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    n_trials: int = 0
    embedding_version: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class Comparator(nn.Module):
    """A small ensemble that scores candidates for a task.

    Args:
        vocabulary: Encodes every candidate, in training and ever after.
        settings: Sizes.
        facts: Where the weights come from.
    """

    task_mean: Tensor
    task_basis: Tensor
    gate: Tensor

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        settings: ComparatorSettings,
        facts: TrainingFacts | None = None,
    ) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.settings = settings
        self.facts = facts or TrainingFacts()
        self.lacking: set[str] = set()
        """Names in ranked candidates that the vocabulary lacks, of which a warning has told already."""
        # Layers draw from global random state when they are built: put it back, and draw our own.
        with torch.random.fork_rng(devices=[]):
            self.members = nn.ModuleList(Member(len(vocabulary), settings=settings) for _ in range(settings.members))
        for number, member in enumerate(self.members):
            initialise(member, generator=torch.Generator().manual_seed(number))
        self.register_buffer("task_mean", torch.zeros(settings.task_features))
        self.register_buffer("task_basis", torch.zeros(settings.task_features, settings.coordinates))
        self.register_buffer("gate", torch.ones(()))

    @property
    def _members(self) -> list[Member]:
        return [member for member in self.members if isinstance(member, Member)]

    @property
    def n_parameters(self) -> int:
        """Trainable parameters of all members."""
        return sum(parameter.numel() for parameter in self.parameters())

    def coordinates(self, embeddings: Tensor) -> Tensor:
        """Place task embeddings on the axes that training tasks differ along.

        Values are cut at +-3, so that an unusual task is treated like the most
        extreme known one instead of far beyond it.

        Args:
            embeddings: Task embeddings, (tasks, task_features).

        Returns:
            Coordinates, (tasks, coordinates).

        Raises:
            ValueError: If the embeddings have another length.
        """
        if embeddings.ndim != 2 or embeddings.shape[1] != self.settings.task_features:
            raise ValueError(
                f"Comparator: task embeddings must be (tasks, {self.settings.task_features}), "
                f"got {tuple(embeddings.shape)}"
            )
        return ((embeddings - self.task_mean) @ self.task_basis).clamp(-3.0, 3.0)

    def _asked(self, task_embedding: Tensor, *, task_blind: bool) -> tuple[Tensor, Tensor]:
        """Return the coordinates of a task, (1, coordinates), and the weight of the task-aware part."""
        tasks = self.coordinates(task_embedding[None])
        # The temperature is task-aware as well.
        return (torch.zeros_like(tasks), torch.zeros_like(self.gate)) if task_blind else (tasks, self.gate)

    def forward(self, graphs: Data, *, task_embedding: Tensor, task_blind: bool = False) -> Prediction:
        """Score candidates for one task by message passing: this defines a score, and `predict` is its fast form.

        Args:
            graphs: A torch-geometric batch of `ArchGraph.to_data`, encoded with `self.vocabulary`.
            task_embedding: The task, (task_features,).
            task_blind: Leave the task-aware part out.

        Returns:
            As `predict`.
        """
        from ahc.message_passing import MessagePassingEncoder

        tasks, gate = self._asked(task_embedding, task_blind=task_blind)
        said = [
            member.predict(MessagePassingEncoder(member.encoder)(graphs), tasks=tasks, gate=gate)
            for member in self._members
        ]
        return Prediction(*(torch.stack(values).mean(dim=0) for values in zip(*said, strict=True)))

    @torch.no_grad()
    def predict(self, batch: GraphBatch, *, task_embedding: Tensor, task_blind: bool = False) -> Prediction:
        """Score candidates for one task, each graph encoded once.

        Distinct vertices and shapes are worked out once, graphs of one size go
        together without padding, and parts of them on a thread each.

        Args:
            batch: The candidates, encoded with `self.vocabulary`.
            task_embedding: The task, (task_features,).
            task_blind: Leave the task-aware part out.

        Returns:
            Scores, failure probabilities and gains averaged over members, (candidates,) each.
        """
        with one_thread_a_product() as n_threads:
            tasks, gate = self._asked(task_embedding, task_blind=task_blind)
            table = nn.functional.pad(batch.table, (0, 0, 0, -len(batch.table) % WHOLE_BLOCKS))
            projected = [member.encoder.project(table) for member in self._members]
            prediction = Prediction(*(torch.empty(len(batch), device=batch.table.device) for _ in Prediction._fields))

            @torch.no_grad()
            def predict_part(numbered: tuple[Tensor, GraphBatch]) -> None:
                index, part = numbered
                content, adjacency, said = part.content, part.adjacency, []
                for member, rows in zip(self._members, projected, strict=True):
                    states = nn.functional.embedding(part.vertices, rows)  # (graphs, vertices, hidden)
                    graphs = member.encoder.read(states, content=content, adjacency=adjacency)
                    said.append(member.predict(graphs, tasks=tasks, gate=gate))
                for values, of_members in zip(prediction, zip(*said, strict=True), strict=True):
                    values[index] = torch.stack(of_members).mean(dim=0)

            for_each(
                predict_part,
                replace(batch, structures=normalise(batch.structures)).equal_sizes(_PART),
                n_threads=n_threads,
            )
            return prediction

    def p_first_better(self, first: GraphBatch, second: GraphBatch, *, task_embedding: Tensor) -> Tensor:
        """Return the probability that each first candidate beats its second on the task, (candidates,).

        Args:
            first: The first candidates.
            second: As many second candidates.
            task_embedding: The task, (task_features,).
        """
        better = self.predict(first, task_embedding=task_embedding).score
        worse = self.predict(second, task_embedding=task_embedding).score
        return torch.sigmoid(better - worse)
