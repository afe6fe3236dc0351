"""Shares of steps above fitted thresholds, 8 per feature."""

from typing import ClassVar

from encoders.readouts._shares import SharesReadout
from search_space.registry import register


@register("readout", "shares_8", source="MiniRocket, Dempster et al. 2021, arXiv:2012.08791, section 3.1 (bias, PPV)")
class Shares8(SharesReadout):
    """Give the share of steps above each of 8 thresholds per feature, at even quantiles of training responses.

    Deliberate difference: MiniRocket draws its quantiles from one training series per kernel; here they are those of
    many windows, and they can learn.
    """

    parts: ClassVar[int] = 8
