"""Generate seed records: train many candidates on many tasks and store what they scored.

The hops one after the other; `tscnas seeds` takes the same ones, and `--help` explains the settings.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nas.cli import main

if TYPE_CHECKING:
    from nas.options.seeding import SeedsOptions
    from nas.seeding.seeds import SeedsResult


def generate_seeds(options: SeedsOptions) -> SeedsResult:
    """Fill a bank with whatever it lacks."""
    from ahc.task_embedding import embed_task
    from nas.seeding.manifest import read_manifest
    from nas.seeding.seeds import filling, waves_of

    tasks = [entry.load(Path(options.data)) for entry in read_manifest(options.manifest)]
    with filling(options) as fill:
        for task in tasks:
            fill.note_task(task, embed_task(task))
        for name, wave in waves_of(options, tasks):
            plans = [(task, plan) for task in tasks for plan in wave(task, fill.bank)]
            if not fill.run(plans, name=name):
                break  # the time was over, and later waves follow from the whole of this one
        return fill.result()


if __name__ == "__main__":
    sys.exit(main(["seeds", *sys.argv[1:]], call=generate_seeds))
