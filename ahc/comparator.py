"""The comparator: which of two candidates suits a task better, without training either.

Each candidate gets one score per task, and `p_first_better(a, b, t)` is
`sigmoid(s(a, t) - s(b, t))`: antisymmetric and transitive by construction, and
ranking n candidates takes n evaluations and one sort.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from ahc.gcn import GraphEncoder, normalise
from ahc.graph import WHOLE_BLOCKS, GraphBatch
from ahc.threads import for_each, one_thread_a_product
from ahc.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch_geometric.data import Data

_PART = 256  # graphs whose states stay in a core's cache


@dataclass(frozen=True)
class ComparatorSettings:
    """Sizes of a comparator; small, because tasks are few.

    Args:
        task_features: Length of a task embedding.
        coordinates: Axes that task embeddings are reduced to.
        hidden: Width of vertex states.
        layers: Graph convolutions.
        rank: Products of candidate and task in the task-aware part.
        members: Networks whose scores are averaged.
    """

    task_features: int
    coordinates: int = 8
    hidden: int = 32
    layers: int = 3
    rank: int = 8
    members: int = 5


class Prediction(NamedTuple):
    """What the comparator says of candidates on one task.

    Args:
        score: In units of the temperature tau_t, larger = better, (candidates,).
        failure: Probability that the trial fails, (candidates,).
        gain: Trained minus untrained, in deviations between candidates, (candidates,).
    """

    score: Tensor
    failure: Tensor
    gain: Tensor


class Head(nn.Module):
    """A linear map plus a small network: simple rules are found from few trials, others are not excluded.

    Args:
        n_in: Width of a graph vector.
        hidden: Width of the network.
        n_out: Width of the result.
    """

    def __init__(self, n_in: int, *, hidden: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)
        self.widen = nn.Linear(n_in, hidden)
        self.narrow = nn.Linear(hidden, n_out)

    def forward(self, graphs: Tensor) -> Tensor:
        """Return (candidates, n_out) from graph vectors (candidates, n_in)."""
        out: Tensor = self.linear(graphs) + self.narrow(torch.relu(self.widen(graphs)))
        return out


class Member(nn.Module):
    """One network of the ensemble.

    `s(a, t) = c * (blind(a) + gate * aware(a, t)) / tau_t`, where c calibrates the member, `blind` never sees
    the task and `aware` is a sum of `rank` products of candidate and task. The
    gate lets the score fall back to the task-blind ranking.

    Args:
        n_features: Vertex features.
        settings: Sizes.
    """

    sharpness: Tensor

    def __init__(self, n_features: int, *, settings: ComparatorSettings) -> None:
        super().__init__()
        self.encoder = GraphEncoder(n_features, hidden=settings.hidden, layers=settings.layers)
        width = self.encoder.out_features
        self.blind = Head(width, hidden=settings.hidden, n_out=1)
        self.candidate = Head(width, hidden=settings.hidden, n_out=settings.rank)
        self.task = nn.Linear(settings.coordinates, settings.rank)
        self.log_tau = nn.Linear(settings.coordinates, 1)
        self.register_buffer("sharpness", torch.ones(()))
        self.failure = nn.Linear(width, 1)
        self.gain = nn.Linear(width, 1)

    def scores(self, graphs: Tensor, *, tasks: Tensor, gate: Tensor | float) -> Tensor:
        """Return `s(a, t)`, (candidates,).

        Args:
            graphs: Output of `encoder`, (candidates, width).
            tasks: Task coordinates of each candidate's trial, (candidates or 1, coordinates).
            gate: Weight of the task-aware part, scalar or (candidates,).
        """
        blind = self.blind(graphs)[:, 0]
        aware = (self.candidate(graphs) * torch.tanh(self.task(tasks))).sum(dim=-1)
        tau: Tensor = torch.exp(torch.tanh(self.log_tau(tasks)[:, 0]))  # within e^-1 .. e
        scores: Tensor = self.sharpness * (blind + gate * aware) / tau
        return scores

    def predict(self, graphs: Tensor, *, tasks: Tensor, gate: Tensor) -> Prediction:
        """Return what this member says of candidates; arguments as of `scores`."""
        failure = torch.sigmoid(self.failure(graphs)[:, 0])
        return Prediction(self.scores(graphs, tasks=tasks, gate=gate), failure, self.gain(graphs)[:, 0])


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


def initialise(module: nn.Module, *, generator: torch.Generator) -> None:
    """Draw all weights anew from a generator: scaled normal matrices, zero biases."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim < 2:
                parameter.zero_()
            else:
                scale = (2.0 / (parameter.shape[0] + parameter.shape[1])) ** 0.5
                drawn = torch.randn(parameter.shape, generator=generator) * scale
                # What ends in a score starts at zero: no random preference has to be unlearnt.
                starts_at_zero = name.startswith("log_tau") or name.split(".")[-2] in ("linear", "narrow")
                parameter.copy_(drawn * (0.0 if starts_at_zero else 1.0))
