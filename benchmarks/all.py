"""All nine speed benchmarks one after the other, and a table of their ratios.

Usage: python benchmarks/all.py [--public TS2VEC] [--autocts AUTOCTS] [--reference CHECKOUT] [--only loss memory ...]
The paths are checkouts of the public TS2Vec and AutoCTS++ code and of an earlier state of this project; a benchmark
whose checkout is missing is left out by name. The exit status is 1 if one of those that ran fell short.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
CHECKOUT = {
    "loss": "public",
    "train_step": "public",
    "encode": "public",
    "ridge": "public",
    "memory": "public",
    "startup": None,
    "ranking": "autocts",
    "candidates": "reference",
    "ett_run": "public",
}
"""Which checkout each compares with, the quick ones first."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("public", "autocts", "reference"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(CHECKOUT), default=list(CHECKOUT))
    asked = parser.parse_args(arguments)
    lines, fell_short = [], False
    for name in asked.only:
        kind = CHECKOUT[name]
        checkout = None if kind is None else getattr(asked, kind)
        if kind is not None and checkout is None:
            lines.append(f"{name:<12} left out: no --{kind}")
            continue
        flag = [] if kind is None else ["--reference" if kind == "reference" else "--public", str(checkout)]
        print(f"== {name}", flush=True)
        run = subprocess.Popen(
            [sys.executable, str(FOLDER / f"{name}.py"), *flag], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert run.stdout is not None
        last = ""
        for line in run.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
        fell_short |= run.wait() != 0
        lines.append(f"{name:<12} {last}{'' if run.returncode == 0 else '   <- fell short'}")
    print("\n" + "\n".join(lines))
    return int(fell_short)


if __name__ == "__main__":
    sys.exit(main())
