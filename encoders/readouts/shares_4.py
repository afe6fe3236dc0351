"""Shares of steps above fitted thresholds, 4 per feature."""

from typing import ClassVar

from encoders.readouts._shares import SharesReadout
from search_space.registry import register


@register("readout", "shares_4", source="MiniRocket, Dempster et al. 2021, arXiv:2012.08791, section 3.1 (bias, PPV)")
class Shares4(SharesReadout):
    """Give the share of steps above each of 4 thresholds per feature, at even quantiles of training responses.

    Deliberate difference: MiniRocket draws its quantiles from one training series per kernel; here they are those of
    many windows, and they can learn.
    """

    parts: ClassVar[int] = 4
