"""Means of 8 equal stretches."""

from typing import ClassVar

from encoders.readouts._patches import PatchesReadout
from search_space.registry import register


@register("readout", "patches_8", source="piecewise aggregate approximation, Keogh et al. 2001, of each feature")
class Patches8(PatchesReadout):
    """Average each of 8 equal stretches of the observed steps, early to late."""

    parts: ClassVar[int] = 8
