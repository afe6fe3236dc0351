"""Train the comparator (T-AHC) on the seed records of a bank.

The hops one after the other; `tscnas ahc` takes the same ones, and `--help` explains the settings.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nas.cli import main

if TYPE_CHECKING:
    from nas.options.seeding import AhcOptions
    from nas.seeding.comparator import AhcResult


def train_ahc(options: AhcOptions) -> AhcResult:
    """Train a comparator on a bank, and judge it on families of tasks that it has not seen."""
    from nas.seeding.comparator import comparator_folder, learn, write_comparator
    from nas.seeding.judging import judge
    from nas.seeding.lessons import read_lessons

    lessons = read_lessons(options.bank, without=options.without)
    with comparator_folder(options.output, overwrite=options.overwrite) as folder:
        comparator = learn(lessons, rng_seed=options.rng_seed, quiet=options.quiet)
        judgement = judge(lessons, comparator, options) if options.evaluate else None
        return write_comparator(folder, comparator, judgement, lessons=lessons, rng_seed=options.rng_seed)


if __name__ == "__main__":
    sys.exit(main(["ahc", *sys.argv[1:]], call=train_ahc))
