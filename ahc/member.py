"""One network of the comparator's ensemble, and what it says of candidates."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ahc.gcn import GraphEncoder
from ahc.landmarks import PROBES


@dataclass(frozen=True)
class ComparatorSettings:
    """Sizes of a comparator; small, because tasks are few.

    Args:
        task_features: Length of a task embedding.
        coordinates: Axes that task embeddings are reduced to.
        landmarks: Length of a landmark vector.
        hidden: Width of vertex states.
        layers: Graph convolutions.
        rank: Products of candidate and task in the task-aware part of a head.
        members: Networks whose predictions are averaged.
    """

    task_features: int
    coordinates: int = 8
    landmarks: int = len(PROBES)
    hidden: int = 32
    layers: int = 3
    rank: int = 8
    members: int = 5


class Place(NamedTuple):
    """Where tasks lie, as a member sees them.

    Args:
        coordinates: Of their embeddings, (tasks or 1, coordinates).
        landmarks: What the fixed probes score, zeros where that is not known, (tasks or 1, landmarks).
        gate: Weight of the task-aware parts, (tasks or 1, 1).
    """

    coordinates: Tensor
    landmarks: Tensor
    gate: Tensor


class Prediction(NamedTuple):
    """What the comparator says of candidates on one task, in robust deviations between untrained candidates.

    Args:
        untrained: How good the untrained encoder is, larger = better, (candidates,).
        gain: What training adds, (candidates,).
        failure: Probability that the trial fails, (candidates,).
        seconds: Logarithm of the seconds of an untrained probe, over the median candidate's, (candidates,).
        spread: Standard error of `score`, (candidates,).
    """

    untrained: Tensor
    gain: Tensor
    failure: Tensor
    seconds: Tensor
    spread: Tensor

    @property
    def score(self) -> Tensor:
        """How good the trained encoder is, (candidates,)."""
        return self.untrained + self.gain


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


class TaskHead(nn.Module):
    """`blind(a) + gate * aware(a, t)`: `blind` never sees the task, `aware` is a sum of products of candidate and task.

    Args:
        n_in: Width of a graph vector.
        settings: Sizes.
    """

    def __init__(self, n_in: int, *, settings: ComparatorSettings) -> None:
        super().__init__()
        self.blind = Head(n_in, hidden=settings.hidden, n_out=1)
        self.candidate = Head(n_in, hidden=settings.hidden, n_out=settings.rank)
        self.task = nn.Linear(settings.coordinates, settings.rank)
        self.landmarks = nn.Linear(settings.landmarks, settings.rank, bias=False)

    def forward(self, graphs: Tensor, place: Place) -> Tensor:
        """Return one number per candidate, (candidates,).

        Args:
            graphs: Output of the encoder, (candidates, n_in).
            place: The task of each candidate, or one for all.
        """
        axes = torch.tanh(self.task(place.coordinates) + self.landmarks(place.landmarks))
        aware = (self.candidate(graphs) * axes).sum(dim=-1)
        out: Tensor = self.blind(graphs)[:, 0] + place.gate[:, 0] * aware
        return out


class Member(nn.Module):
    """One network of the ensemble.

    Args:
        n_features: Vertex features.
        settings: Sizes.
    """

    def __init__(self, n_features: int, *, settings: ComparatorSettings) -> None:
        super().__init__()
        self.encoder = GraphEncoder(n_features, hidden=settings.hidden, layers=settings.layers)
        width = self.encoder.out_features
        self.untrained = TaskHead(width, settings=settings)
        self.gain = TaskHead(width, settings=settings)
        self.failure = nn.Linear(width, 1)
        self.seconds = nn.Linear(width, 1)

    def predict(self, graphs: Tensor, place: Place) -> Tensor:
        """Return untrained, gain, failure and seconds of candidates, (4, candidates).

        Args:
            graphs: Output of `encoder`, (candidates, width).
            place: The task.
        """
        failure = torch.sigmoid(self.failure(graphs)[:, 0])
        heads = self.untrained(graphs, place), self.gain(graphs, place)
        return torch.stack([*heads, failure, self.seconds(graphs)[:, 0]])


def initialise(module: nn.Module, *, generator: torch.Generator) -> None:
    """Draw all weights anew from a generator: scaled normal matrices, zero biases."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim < 2:
                parameter.zero_()
            else:
                scale = (2.0 / (parameter.shape[0] + parameter.shape[1])) ** 0.5
                drawn = torch.randn(parameter.shape, generator=generator) * scale
                # What ends in a prediction starts at zero: no random preference has to be unlearnt.
                starts_at_zero = name.split(".")[-2] in ("linear", "narrow", "failure", "seconds")
                parameter.copy_(drawn * (0.0 if starts_at_zero else 1.0))
