"""One training step of TS2Vec on two sections of ETTh1 (2 x 4320 steps, 14 channels): ours against the public code.

Usage: python benchmarks/train_step.py --public CHECKOUT [--precision bfloat16]
That both learn the same is shown by `ett_run.py`; the losses themselves are compared in `loss.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from public_step import BATCH, STEPS, our_step, public_step
from public_ts2vec import import_from, machine_line, one_thread, parser, verdict
from timing import in_turn

NEEDED = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Time both in turn."""
    asked = parser(__doc__).parse_args(arguments)
    one_thread()
    ts2vec = import_from(asked.public)
    print(machine_line())
    public, ours = in_turn([public_step(ts2vec), our_step(asked.precision)], repeats=asked.repeats)
    print(f"public {public}, ours {ours} in {asked.precision}")
    print(f"{ours.median / BATCH / STEPS * 1e6:.1f} us a time step")
    return verdict(public.median / ours.median, NEEDED)


if __name__ == "__main__":
    sys.exit(main())
