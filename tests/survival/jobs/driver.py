"""`tscnas` with trials that may misbehave."""

from __future__ import annotations

import os
import sys

import misbehaviour

from nas.cli import program as cli
from nas.seeding import seeds
from nas.trials import runner
from nas.trials import trial as trials

trials.run_trial = misbehaviour.run
if "ENGINE_LIMIT" in os.environ:  # the engine's own limit, which otherwise waits for minutes
    seeds.last_resort = runner.last_resort = lambda limit: float(os.environ["ENGINE_LIMIT"])

if __name__ == "__main__":
    sys.exit(cli.main())
