"""Zero-shot search: rank candidates for a dataset without training, then train and verify the best.

The hops of the main job, one after the other; `tscnas search` takes the same ones, and `--help` explains the settings.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nas.cli import main

if TYPE_CHECKING:
    from nas.options.search import SearchOptions
    from nas.search_run import SearchResult


def zero_shot_search(options: SearchOptions) -> SearchResult:
    """Choose, train, verify and save an encoder for a dataset."""
    from ahc.checkpoint import load_comparator
    from ahc.task_embedding import embed_task
    from downstream.data import load_task
    from nas.choosing.candidates import acceptable, named_candidate, pick, rank_drawn, refine, space_for
    from nas.choosing.cost_limits import cost_limit, forward_cost
    from nas.search_run import SearchRun

    task = load_task(options.data, kind=options.task, window=options.window, **options.reading)
    run = SearchRun(task, options)
    with run.begun():
        if run.finished:
            return run.shown_again()
        candidates = named_candidate(task, preset_name=options.preset, file=options.genotype)
        if candidates is None:
            comparator = load_comparator(options.comparator)
            embedding = embed_task(task)
            accept = acceptable(task, cost_limit(task, **options.limits))
            how = {"rng_seed": options.rng_seed, "space": space_for(task), "accept": accept}
            ranking = rank_drawn(comparator, embedding, n=options.candidates, **how)
            ranking = refine(ranking, comparator, embedding, **how)
            candidates = pick(ranking, top_k=options.top_k, n_ranked=options.candidates, cost=forward_cost(task), **how)
        entrants = run.train(candidates)
        verified = run.verify(entrants)
        return run.hand_over(entrants, verified)


if __name__ == "__main__":
    sys.exit(main(["search", *sys.argv[1:]], call=zero_shot_search))
