"""Means of 128 equal stretches."""

from typing import ClassVar

from encoders.readouts._patches import PatchesReadout
from search_space.registry import register


@register("readout", "patches_128", source="piecewise aggregate approximation, Keogh et al. 2001, of each feature")
class Patches128(PatchesReadout):
    """Average each of 128 equal stretches of the observed steps, early to late."""

    parts: ClassVar[int] = 128
