"""Train the comparator (T-AHC) on the seed records of a bank.

The same as `tscnas ahc`; `--help` explains the settings.
"""

from __future__ import annotations

import sys

from nas.cli.program import main

if __name__ == "__main__":
    sys.exit(main(["ahc", *sys.argv[1:]]))
