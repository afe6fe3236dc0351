"""How a controller learns from the rewards of a group of genotypes; the prompt that a group answers is the space.

The notes behind this project describe GRPO as imitation of an exponentially tilted distribution, and DAPO as a clipping
of gradients per layer. The papers say something else, and they are followed here.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor

from nas.strategies.policies.controller import Controller, Group, Said, Walk

LEARNING_RATE = 0.02
_STEPS = 4
_CLIP, _CLIP_HIGHER = 0.2, 0.28
_KL = 0.02
_ENTROPY = 0.01
_MOMENTUM = 0.8


class Update(Protocol):
    """An update rule; `steps` is how often the optimiser steps for a group."""

    steps: int

    def advantages(self, rewards: Tensor) -> Tensor | None:
        """Return how much better than usual each reward is, (walks,); None where a group teaches nothing."""
        ...

    def loss(self, said: Said, old: Tensor, advantages: Tensor) -> Tensor:
        """Return what is to become small; `old` are log-probabilities from before the group, (walks, choices)."""
        ...


class Reinforce:
    """Williams 1992, as AutoCL (Jing et al. 2024, arXiv:2403.12641) uses it: a moving baseline, an entropy bonus."""

    steps = 1

    def __init__(self) -> None:
        self._baseline: Tensor | None = None

    def advantages(self, rewards: Tensor) -> Tensor:
        """Return rewards above the moving mean of earlier groups."""
        usual = rewards.mean()
        baseline = usual if self._baseline is None else self._baseline
        self._baseline = _MOMENTUM * baseline + (1.0 - _MOMENTUM) * usual
        return rewards - baseline

    def loss(self, said: Said, _old: Tensor, advantages: Tensor) -> Tensor:
        """Return the log-likelihood of genotypes, weighted, with the entropy of their choices."""
        return -(advantages * said.logs.sum(dim=1) + _ENTROPY * said.entropy.sum(dim=1)).mean()


class GRPO:
    """Shao et al. 2024, arXiv:2402.03300, eq. (3): advantages within the group, clipped ratios, KL to the reference.

    The reference is the policy before it learned anything: uniform over what is legal.
    """

    steps = _STEPS

    def advantages(self, rewards: Tensor) -> Tensor | None:
        """Return rewards in deviations of the group."""
        return (rewards - rewards.mean()) / (rewards.std(correction=0) + 1e-6)

    def loss(self, said: Said, old: Tensor, advantages: Tensor) -> Tensor:
        """Return the mean over genotypes of the mean over their choices."""
        apart = said.uniform - said.logs
        divergence = apart.exp() - apart - 1.0  # the paper's eq. (4)
        terms = _clipped(said.logs - old, advantages, low=_CLIP, high=_CLIP) - _KL * divergence
        return -((terms * said.there).sum(dim=1) / said.there.sum(dim=1).clamp(min=1)).mean()


class DAPO:
    """Yu et al. 2025, arXiv:2503.14476, eq. (8): a wider clip upwards, groups that differ, no KL, all choices alike.

    Of its parts those about long texts have no counterpart here.
    """

    steps = _STEPS

    def advantages(self, rewards: Tensor) -> Tensor | None:
        """Return rewards in deviations of the group; a group without any spread is to be sampled again."""
        spread = rewards.std(correction=0)
        return None if spread <= 1e-9 else (rewards - rewards.mean()) / spread

    def loss(self, said: Said, old: Tensor, advantages: Tensor) -> Tensor:
        """Return the mean over all choices of the group."""
        terms = _clipped(said.logs - old, advantages, low=_CLIP, high=_CLIP_HIGHER)
        return -(terms * said.there).sum() / said.there.sum().clamp(min=1)


UPDATES: Mapping[str, Callable[[], Update]] = MappingProxyType({"reinforce": Reinforce, "grpo": GRPO, "dapo": DAPO})


class Learner:
    """A controller with its optimiser and its update rule."""

    def __init__(self, controller: Controller, update: Update) -> None:
        self._controller, self._update = controller, update
        self._optimizer = torch.optim.Adam(controller.parameters(), lr=LEARNING_RATE)

    def learn(self, walks: Sequence[Walk], rewards: Tensor) -> None:
        """Move the controller towards what was rewarded.

        Args:
            walks: A group, as the controller sampled it.
            rewards: Larger is better, (walks,).
        """
        advantages = self._update.advantages(rewards)
        if advantages is None:
            return
        group, old = Group.of(walks), None
        for _ in range(self._update.steps):
            said = self._controller.says(group)
            old = said.logs.detach() if old is None else old
            loss = self._update.loss(said, old, advantages)
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()


def _clipped(log_ratio: Tensor, advantages: Tensor, *, low: float, high: float) -> Tensor:
    """Return the clipped surrogate of each choice (Schulman et al. 2017, eq. (7)), (walks, choices)."""
    ratio, weights = log_ratio.exp(), advantages[:, None]
    return torch.minimum(ratio * weights, ratio.clamp(1.0 - low, 1.0 + high) * weights)
