"""Zero-shot search: rank candidates for a dataset without training, then train and verify the best.

The same as `tscnas search`; `--help` explains the settings.
"""

from __future__ import annotations

import sys

from nas.cli.program import main

if __name__ == "__main__":
    sys.exit(main(["search", *sys.argv[1:]]))
