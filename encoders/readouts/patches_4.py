"""Means of 4 equal stretches."""

from typing import ClassVar

from encoders.readouts._patches import PatchesReadout
from search_space.registry import register


@register("readout", "patches_4", source="piecewise aggregate approximation, Keogh et al. 2001, of each feature")
class Patches4(PatchesReadout):
    """Average each of 4 equal stretches of the observed steps, early to late."""

    parts: ClassVar[int] = 4
