"""What a candidate costs before it is trained: parameters, multiply-adds, memory, seconds per iteration.

Traced, not declared: each piece of the candidate is run once, with very few
windows, and what it computes, moves and keeps is counted and cached. Pieces add
up, so a new candidate of known pieces costs a lookup.
"""

from nas.cost.model import Cost, cost, costs_on, probe_seconds_on

__all__ = ["Cost", "cost", "costs_on", "probe_seconds_on"]
