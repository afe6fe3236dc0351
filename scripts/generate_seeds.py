"""Generate seed records: train many candidates on many tasks and store what they scored.

The same as `tscnas seeds`; `--help` explains the settings.
"""

from __future__ import annotations

import sys

from nas.cli.program import main

if __name__ == "__main__":
    sys.exit(main(["seeds", *sys.argv[1:]]))
