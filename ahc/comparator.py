"""The comparator: which of two candidates suits a task better, without training either.

Each candidate gets one score per task, and `p_first_better(a, b, t)` is
`sigmoid(sharpness * (s(a, t) - s(b, t)))`: antisymmetric and transitive by
construction, and ranking n candidates takes n evaluations and one sort. What is
known of the task is its embedding and, once the fixed probes have been tried on
it, their landmark vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ahc.gcn import normalise
from ahc.graphs.graph import WHOLE_BLOCKS, GraphBatch
from ahc.graphs.vocabulary import Vocabulary
from ahc.landmarks import PROBES
from ahc.member import ComparatorSettings, Member, Place, Prediction, initialise
from ahc.threads import for_each, one_thread_a_product

if TYPE_CHECKING:
    from torch_geometric.data import Data

_PART = 256  # graphs whose states stay in a core's cache

__all__ = ["Comparator", "ComparatorSettings", "Prediction", "TaskView", "TrainingFacts"]


@dataclass(frozen=True)
class TrainingFacts:
    """Where a comparator comes from; travels with its weights.

    Args:
        families: Families of the training tasks.
        tasks: Names of the training tasks.
        n_trials: Completed trials behind the labels.
        embedding_version: Definition of the task embedding.
        probes: The presets that a landmark vector tells about.
        details: Anything else worth keeping; JSON values only.
    """

    families: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    n_trials: int = 0
    embedding_version: str = ""
    probes: tuple[str, ...] = PROBES
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskView:
    """What is known of a task when candidates are ranked for it.

    Args:
        embedding: `embed_task`, (task_features,).
        landmarks: `landmark_vector`, (landmarks,); None before the fixed probes were tried.
        blind: Leave everything that depends on the task out.
    """

    embedding: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None = None
    blind: bool = False


class Comparator(nn.Module):
    """A small ensemble that scores candidates for a task.

    Args:
        vocabulary: Encodes every candidate, in training and ever after.
        settings: Sizes.
        facts: Where the weights come from.
    """

    task_mean: Tensor
    task_basis: Tensor
    gates: Tensor
    sharpness: Tensor
    residual: Tensor

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
        # how far the task-aware parts are trusted: without landmarks, and with them
        self.register_buffer("gates", torch.ones(2))
        self.register_buffer("sharpness", torch.ones(()))
        # what a score errs by on families that training has not seen: without landmarks, and with them
        self.register_buffer("residual", torch.ones(2))

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

    def _place(self, task: TaskView) -> Place:
        embedding = torch.from_numpy(np.asarray(task.embedding, dtype=np.float32)).to(self.task_mean.device)
        coordinates = self.coordinates(embedding[None])
        landmarks = torch.zeros(1, self.settings.landmarks, device=coordinates.device)
        if task.landmarks is not None:
            if task.landmarks.shape != landmarks.shape[1:]:
                raise ValueError(
                    f"Comparator: a landmark vector must be ({self.settings.landmarks},), got {task.landmarks.shape}"
                )
            landmarks[0] = torch.from_numpy(task.landmarks)
        gate = self.gates[int(task.landmarks is not None)]
        return Place(coordinates, landmarks, (torch.zeros_like(gate) if task.blind else gate)[None, None])

    def forward(self, graphs: Data, *, task: TaskView) -> Prediction:
        """Score candidates for one task by message passing: this defines a score, and `predict` is its fast form.

        Args:
            graphs: A torch-geometric batch of `ArchGraph.to_data`, encoded with `self.vocabulary`.
            task: The task.

        Returns:
            As `predict`.
        """
        from ahc.graphs.message_passing import MessagePassingEncoder

        place = self._place(task)
        said = [member.predict(MessagePassingEncoder(member.encoder)(graphs), place) for member in self._members]
        return self._combined(torch.stack(said), task=task)

    @torch.no_grad()
    def predict(self, batch: GraphBatch, *, task: TaskView) -> Prediction:
        """Score candidates for one task, each graph encoded once.

        Distinct vertices and shapes are worked out once, graphs of one size go
        together without padding, and parts of them on a thread each.

        Args:
            batch: The candidates, encoded with `self.vocabulary`.
            task: The task.

        Returns:
            What members say in the mean, (candidates,) each.

        Raises:
            ValueError: If the task's embedding or landmarks have another length.
        """
        with one_thread_a_product() as n_threads:
            place = self._place(task)
            table = nn.functional.pad(batch.table, (0, 0, 0, -len(batch.table) % WHOLE_BLOCKS))
            projected = [member.encoder.project(table) for member in self._members]
            said = torch.empty(len(projected), len(Prediction._fields) - 1, len(batch), device=batch.table.device)

            @torch.no_grad()
            def predict_part(numbered: tuple[Tensor, GraphBatch]) -> None:
                index, part = numbered
                content, adjacency = part.content, part.adjacency
                for number, (member, rows) in enumerate(zip(self._members, projected, strict=True)):
                    states = nn.functional.embedding(part.vertices, rows)  # (graphs, vertices, hidden)
                    graphs = member.encoder.read(states, content=content, adjacency=adjacency)
                    said[number][:, index] = member.predict(graphs, place)

            for_each(
                predict_part,
                replace(batch, structures=normalise(batch.structures)).equal_sizes(_PART),
                n_threads=n_threads,
            )
            return self._combined(said, task=task)

    def _combined(self, said: Tensor, *, task: TaskView) -> Prediction:
        """Return the mean of what members say, (members, 4, candidates), with the standard error of the score."""
        untrained, gain, failure, seconds = said.mean(dim=0)
        apart = said[:, :2].sum(dim=1).var(dim=0, correction=0)
        residual = self.residual[int(task.landmarks is not None)]
        return Prediction(untrained, gain, failure, seconds, (apart + residual**2).sqrt())

    def p_first_better(self, first: GraphBatch, second: GraphBatch, *, task: TaskView) -> Tensor:
        """Return the probability that each first candidate beats its second on the task, (candidates,).

        Args:
            first: The first candidates.
            second: As many second candidates.
            task: The task.
        """
        better, worse = self.predict(first, task=task).score, self.predict(second, task=task).score
        return torch.sigmoid(self.sharpness * (better - worse))
