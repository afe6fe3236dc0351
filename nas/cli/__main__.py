"""`python -m nas.cli VERB` is `tscnas VERB`."""

import sys

from nas.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
