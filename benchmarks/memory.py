"""Peak memory of one TS2Vec training step (2 x 4320 steps, 14 channels): ours against the public code.

Usage: python benchmarks/memory.py --public CHECKOUT
Each side runs two steps in a process of its own; what the process held before the first is taken off.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from public_step import our_step, public_step
from public_ts2vec import import_from, one_thread, parser

NEEDED = 3.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both, each in its own process."""
    made = parser(__doc__)
    made.add_argument("--side", choices=("public", "ours"), help="measure one side in this process and print its bytes")
    asked = made.parse_args(arguments)
    if asked.side:
        print(_peak(asked.side, checkout=asked.public, precision=asked.precision))
        return 0
    found = {}
    for side in ("public", "ours"):
        command = [sys.executable, __file__, "--public", str(asked.public), "--precision", asked.precision]
        answer = subprocess.run([*command, "--side", side], check=True, capture_output=True, text=True)
        found[side] = int(answer.stdout.splitlines()[-1])
        print(f"{side}: {found[side] / 1e6:,.0f} MB above the process before its first step")
    share = found["ours"] / found["public"]
    print(f"ours is {share:.3f} of the public code's, that is one part in {1 / share:.2f}")
    print(f"ratio {1 / share:.2f} (needs {NEEDED:g})")
    return 0 if 1 / share >= NEEDED else 1


def _peak(side: str, *, checkout: Path, precision: str) -> int:
    """Return the bytes that two steps add to the process at their peak."""
    one_thread()
    step = public_step(import_from(checkout)) if side == "public" else our_step(precision)
    before = _most_bytes()
    step()
    step()
    return _most_bytes() - before


def _most_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
