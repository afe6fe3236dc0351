"""`tscnas` with trials that may misbehave."""

from __future__ import annotations

import os
import sys

import misbehaviour

from nas.cli import program as cli
from nas.seeding import seeds
from nas.trials import halving
from nas.trials import trial as trials

trials._run = misbehaviour.run
if "ENGINE_LIMIT" in os.environ:  # the engine's own limit, which otherwise waits for minutes
    seeds.engine_time_limit = halving.engine_time_limit = lambda limit: float(os.environ["ENGINE_LIMIT"])

if __name__ == "__main__":
    sys.exit(cli.main())
