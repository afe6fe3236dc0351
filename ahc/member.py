"""One network of the comparator's ensemble, and what it says of candidates."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ahc.gcn import GraphEncoder


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
