"""Means of 16 equal stretches."""

from typing import ClassVar

from encoders.readouts._patches import PatchesReadout
from search_space.registry import register


@register("readout", "patches_16", source="piecewise aggregate approximation, Keogh et al. 2001, of each feature")
class Patches16(PatchesReadout):
    """Average each of 16 equal stretches of the observed steps, early to late."""

    parts: ClassVar[int] = 16
