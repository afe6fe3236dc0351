"""The controller: a small recurrent network that takes the choices of a genotype one by one.

AutoCL (Jing et al. 2024, arXiv:2403.12641) searches by such a network. Deliberate difference: the options of a choice
are rows of a table that all choices share, so that what is legal after earlier choices may differ, as regions do.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from nas.strategies.strategy import PolicySpace
from search_space.genotype import Genotype

_ROWS = 1024
_HIDDEN = 32

_Option = TypeVar("_Option", bound=Hashable)


@dataclass(frozen=True)
class Walk:
    """A genotype with the choices that made it.

    Args:
        genotype: What was built.
        taken: Row of the option that was taken, of each choice that had several.
        legal: Rows of the options that were legal then.
    """

    genotype: Genotype
    taken: tuple[int, ...]
    legal: tuple[tuple[int, ...], ...]


class Group(NamedTuple):
    """Walks side by side; a walk that is over has choices of one option, and so of probability 1.

    Args:
        before: Row that was taken before each choice, (walks, choices).
        legal: Rows that were legal, (walks, choices, options).
        known: Which of them are there, bool (walks, choices, options).
        place: Which of them was taken, (walks, choices).
        there: Whether the walk has such a choice, bool (walks, choices).
    """

    before: Tensor
    legal: Tensor
    known: Tensor
    place: Tensor
    there: Tensor

    @classmethod
    def of(cls, walks: Sequence[Walk]) -> "Group":
        """Lay walks out side by side."""
        length = max(1, *(len(walk.taken) for walk in walks))
        width = max((len(rows) for walk in walks for rows in walk.legal), default=1)
        legal = np.full((len(walks), length, width), -1)
        before, place = np.zeros((2, len(walks), length), dtype=np.int64)
        for at, walk in enumerate(walks):
            before[at, 1 : len(walk.taken)] = walk.taken[:-1]
            for step, (row, rows) in enumerate(zip(walk.taken, walk.legal, strict=True)):
                legal[at, step, : len(rows)] = rows
                place[at, step] = rows.index(row)
        known = legal >= 0
        there = known[:, :, 0].copy()
        known[:, :, 0] = True
        return cls(*map(torch.from_numpy, (before, np.maximum(legal, 0), known, place, there)))


class Said(NamedTuple):
    """What a policy says of the choices of a group, (walks, choices) each.

    Args:
        logs: Log-probability of what was taken; 0 where a walk is over, as are the next two.
        entropy: Of the choice.
        uniform: Log-probability of what was taken before anything was learned.
        there: Whether there is such a choice.
    """

    logs: Tensor
    entropy: Tensor
    uniform: Tensor
    there: Tensor


class Controller(nn.Module):
    """A policy over genotypes, uniform over the legal options of each choice before it has learned.

    Args:
        generator: Source of the first weights and of all samples.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator
        self._numbers: dict[tuple[str, Hashable], int] = {}
        with torch.random.fork_rng(devices=[]):  # layers draw from global state when they are built
            self.cell = nn.GRUCell(_HIDDEN, _HIDDEN)
        self.shown = nn.Parameter(torch.empty(_ROWS, _HIDDEN))
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=_HIDDEN**-0.5, generator=generator)
        self.wanted = nn.Parameter(torch.zeros(_ROWS, _HIDDEN))
        self.usual = nn.Parameter(torch.zeros(_ROWS))

    @torch.no_grad()
    def sample(self, space: PolicySpace) -> Walk:
        """Take choice after choice."""
        taken: list[int] = []
        legal: list[tuple[int, ...]] = []
        state = torch.zeros(1, _HIDDEN)

        def pick(name: str, options: Sequence[_Option], /) -> _Option:
            nonlocal state
            if len(options) == 1:
                return options[0]
            rows = tuple(self._row(name, option) for option in options)
            state = self._after(state, taken[-1:] or [0])
            chances = self._logits(state, torch.tensor([rows])).softmax(dim=-1)[0]
            at = int(torch.multinomial(chances, 1, generator=self._generator))
            taken.append(rows[at])
            legal.append(rows)
            return options[at]

        genotype = space.build(pick)
        return Walk(genotype, tuple(taken), tuple(legal))

    def says(self, group: Group) -> Said:
        """Return what the policy says of choices that were taken."""
        state, states = torch.zeros(len(group.before), _HIDDEN), []
        for before in group.before.unbind(dim=1):
            state = self._after(state, before)
            states.append(state)
        logits = self._logits(torch.stack(states, dim=1), group.legal).masked_fill(~group.known, -torch.inf)
        logs = logits.log_softmax(dim=-1)
        entropy = -(logs.exp() * logs.masked_fill(~group.known, 0.0)).sum(dim=-1)
        uniform = -group.known.sum(dim=-1).log()
        return Said(logs.gather(-1, group.place[:, :, None])[:, :, 0], entropy, uniform, group.there)

    def _row(self, name: str, option: Hashable) -> int:
        """Return the row of an option, the next free one where it is new; the first is where all begins."""
        return self._numbers.setdefault((name, option), 1 + len(self._numbers) % (_ROWS - 1))

    def _after(self, state: Tensor, rows: Tensor | list[int]) -> Tensor:
        after: Tensor = self.cell(self.shown[rows], state)
        return after

    def _logits(self, states: Tensor, rows: Tensor) -> Tensor:
        """Return the logits of rows in states, (..., hidden) and (..., options) -> (..., options)."""
        return torch.einsum("...oh,...h->...o", self.wanted[rows], states) + self.usual[rows]
