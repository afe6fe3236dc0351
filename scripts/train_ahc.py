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
    from nas.seeding.comparator import comparator_folder, judge, learn, read_lessons, write_comparator

    lessons = read_lessons(options.bank)
    with comparator_folder(options.output, overwrite=options.overwrite) as folder:
        comparator = learn(lessons, rng_seed=options.rng_seed, quiet=options.quiet)
        evaluation = judge(lessons, rng_seed=options.rng_seed, quiet=options.quiet) if options.evaluate else None
        return write_comparator(folder, comparator, evaluation, lessons=lessons, rng_seed=options.rng_seed)


if __name__ == "__main__":
    sys.exit(main(["ahc", *sys.argv[1:]], call=train_ahc))
