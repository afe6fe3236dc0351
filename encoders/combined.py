"""Several encoders as one: what their members make of a window, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.encoder import Encoder

MOST_MEMBERS = 4
MOST_FLATTENED = 4096
"""As probes flatten a single encoder (`downstream.represent.MAX_FEATURES`)."""


class CombinedEncoder(nn.Module):
    """Encoders whose representations stand side by side, in the order given.

    Members with as many streams as each other share these: feature f of stream s is one member's for every s, and a
    member's features are one stretch of each stream. Otherwise there is one stream, and every member is flattened to
    it, one stretch for each member; one with more than `MOST_FLATTENED` numbers is the mean of its streams.

    Args:
        members: Two to `MOST_MEMBERS` different encoders of the same variates.

    Attributes:
        variates: Variates of a window.
        independent: Whether all members have independent channels, so that any number of variates may come.
        streams: Those of the members, or 1 where they differ.
        features: Width of the representation of a step.
        representation_features: Width of `represent`.
        causal: Whether all members are.
        blocks: How many features of a flattened representation, (streams * representation_features,), each member has.
        member_of_feature: The number of the member that each of these belongs to, stream by stream, so that its first
            `representation_features` entries say it for a single stream; (streams * representation_features,).

    Raises:
        ValueError: If there are too few or too many, one is there twice, or their variates differ.
    """

    def __init__(self, members: Sequence[Encoder]) -> None:
        super().__init__()
        if not 2 <= len(members) <= MOST_MEMBERS or len(set(members)) < len(members):
            raise ValueError(f"CombinedEncoder: members must be 2 to {MOST_MEMBERS} different ones, got {len(members)}")
        if len({member.variates for member in members}) > 1:
            raise ValueError(f"CombinedEncoder: variates differ, got {[member.variates for member in members]}")
        self.parts = nn.ModuleList(members)
        self.variates = members[0].variates
        self.independent = all(member.independent for member in members)
        self.causal = all(member.causal for member in members)
        self._flattened = len({member.streams for member in members}) > 1
        self.streams = 1 if self._flattened else members[0].streams
        self._averaged = [
            self._flattened and member.streams * member.representation_features > MOST_FLATTENED for member in members
        ]
        widths = [1 if averaged else member.streams for averaged, member in zip(self._averaged, members, strict=True)]
        self.blocks = tuple(
            width * member.representation_features for width, member in zip(widths, members, strict=True)
        )
        self.representation_features = sum(self.blocks) // self.streams
        of_steps = sum(width * member.features for width, member in zip(widths, members, strict=True))
        self.features = of_steps // self.streams
        per_stream = np.repeat(np.arange(len(members)), [block // self.streams for block in self.blocks])
        self.member_of_feature: NDArray[np.int64] = np.tile(per_stream, self.streams)

    @property
    def members(self) -> tuple[Encoder, ...]:
        """The encoders."""
        return cast(tuple[Encoder, ...], tuple(self.parts))

    def forward(self, x: Tensor, *, masked: Tensor | None = None, span: Tensor | None = None) -> Tensor:
        """Represent every step as `Encoder.forward` does, (batch, streams, time, features)."""
        return self._side_by_side([member(x, masked=masked, span=span) for member in self.members])

    def represent(self, x: Tensor, *, masked: Tensor | None = None) -> Tensor:
        """Represent every stream of a window by one vector, as `Encoder.represent` does.

        Args:
            x: Windows, NaN where a value is missing; (batch, time, variates).
            masked: As for `Encoder.forward`; (batch, time).

        Returns:
            (batch, streams, representation_features).

        Raises:
            ValueError: If a shape is not as stated.
        """
        return self._side_by_side([member.represent(x, masked=masked) for member in self.members])

    def _side_by_side(self, parts: Sequence[Tensor]) -> Tensor:
        """Return (batch, streams, ..., features) of each member as one."""
        if self._flattened:
            parts = [
                part.mean(dim=1, keepdim=True) if averaged else part.movedim(1, -2).flatten(-2).unsqueeze(1)
                for part, averaged in zip(parts, self._averaged, strict=True)
            ]
        return torch.cat(list(parts), dim=-1)


AnyEncoder = Encoder | CombinedEncoder
"""What represents windows: one encoder, or several as one; `members` are its encoders."""


def combined(members: Sequence[Encoder]) -> AnyEncoder:
    """Return encoders as one; a single one is itself.

    Raises:
        ValueError: If two have the same genes and weights, or they cannot be combined.
    """
    if len(members) == 1:
        return members[0]
    together = CombinedEncoder(members)
    for place, member in enumerate(members):
        if any(_equal(member, other) for other in members[:place]):
            raise ValueError(f"combined: member {place} is equal to another, so it adds nothing")
    return together


def _equal(one: Encoder, other: Encoder) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return one.cell == other.cell and all(torch.equal(value, theirs[name]) for name, value in mine.items())
