"""A recurrence over the two-dimensional grid of periods and places within a period."""

from encoders.operators._grid_recurrence import GridRecurrence
from search_space.registry import register


@register(
    "operator",
    "witran",
    causal=True,
    source="WITRAN, Jia et al. 2023, NeurIPS 36, section 3 (gated selective cell, recurrent acceleration network)",
)
class Witran(GridRecurrence):
    """Fold the series into rows of 16 steps and run one recurrent cell along rows and columns at once.

    The cell reads x and two states, the horizontal one of the step before in its
    row and the vertical one of the same place a row earlier, and updates each:
    tanh((1 - u) state + u tanh(candidate)) * o, with gates u and o of its own.
    Both are zero where nothing comes before, and a linear map of both is the
    output.

    Deliberate differences: the period is 16 steps for every series (a choice of
    the number of rows would make the grid depend on padding); the last row may
    be incomplete; one layer; the first row's vertical state is zero, where the
    public code hands it the last row's; no time-stamp features.
    """
