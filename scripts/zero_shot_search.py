"""Zero-shot search: rank candidates for a dataset without training, probe them, train the best, combine and verify.

The hops of the main job, one after the other; `tscnas search` takes the same ones, and `--help` explains the settings.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nas.cli import main

if TYPE_CHECKING:
    from nas.options.search import SearchOptions
    from nas.report.result import SearchResult


def zero_shot_search(options: SearchOptions) -> SearchResult:
    """Choose, train, verify and save an encoder for a dataset."""
    from downstream.data import load_task
    from nas.search import candidates_for
    from nas.search_run import SearchRun

    task = load_task(options.data, kind=options.task, window=options.window, **options.reading)
    run = SearchRun(task, options)
    with run.begun():
        if run.finished:
            return run.shown_again()
        source = candidates_for(task, options, clock=run.clock)  # presets, the comparator's ranking, blind draws
        if options.zero_shot:
            return run.hand_over_ranking(source)
        tried = run.try_out(source)  # landmarks, then a race
        entrants = run.choose(tried, source)  # what adds up best on validation
        verified = run.verify(entrants)
        return run.hand_over(entrants, verified, source)


if __name__ == "__main__":
    sys.exit(main(["search", *sys.argv[1:]], call=zero_shot_search))
