"""How fast fresh random candidates are drawn, turned into graphs, scored and put in order.

Usage: python benchmarks/ranking.py [--public CHECKOUT] [--candidates 300000] [--against heap|sort]
Equality comes first: the order of columns must be that of candidates scored one by one. Then seconds per stage, and
the share of what the machine can do at most (`machine.py`) that each stage reaches. Stages are medians of 5 runs
with the lowest and highest, the whole is run 3 times; nothing else should run on the machine. The task embedding
is random: the work does not depend on it.

`--public` is a checkout of AutoCTS++ (github.com/decisionintelligence/AutoCTS-). Its comparator, with random
weights and the sizes of its search, judges pairs one at a time on a task feature of its own shape. Its search offers
two ways: `heap`, the 5 best of each of 5 slices, about n comparisons, which leaves the rest without an order; and
`sort`, an order of all as ours is, about log2(n!) comparisons. 200 comparisons are timed and extrapolated to the
counted comparisons of both, and both ratios are printed; the last line is against the sort, whose result is the same
as ours, unless asked. Drawing its candidates is not counted.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from autocts import comparisons_needed, seconds_per_comparison
from machine import copy_bandwidth, matmul_flops
from numpy.typing import NDArray
from timing import Timing, timed

from ahc.checkpoint import load_comparator
from ahc.comparator import Comparator, TaskView
from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.graph import GraphBatch, geno_to_graph
from ahc.ranking import rank_candidates
from search_space.drawing import sample_columns
from search_space.drawing.plan import plan_of
from search_space.genotype import GenotypeColumns
from search_space.space import SearchSpace, default_space

MOST_SECONDS = 15.0
LEAST_RATIO = 5000
TOP = 64
AT_ONCE = 131_072
ROUNDING = 1e-6


def graphs() -> SearchSpace:
    """Return the region of the default space of which every shipped comparator knows all options."""
    return default_space()["graphs"]


def drawn(n: int, *, rng_seed: int = 0) -> GenotypeColumns:
    """Draw candidates."""
    return sample_columns(n, np.random.default_rng(rng_seed), graphs())


def check_equality(comparator: Comparator, task: TaskView, *, n: int) -> tuple[bool, float]:
    """Compare the order of columns with candidates scored one by one; return also the seconds of one candidate."""
    columns = drawn(n, rng_seed=1)
    ranking = rank_candidates(comparator, columns, task)
    start, alone = time.perf_counter(), []
    for genotype in columns:
        graph = encode_genotypes([genotype], vocabulary=comparator.vocabulary)
        said = comparator.predict(graph, task=task)
        alone.append(float(said.score) + np.log1p(-min(float(said.failure), 0.999)))
    seconds = (time.perf_counter() - start) / n
    order = np.argsort(-np.array(alone), kind="stable")
    place = {genotype.key: at for at, genotype in enumerate(columns)}
    found = np.array([place[genotype.key] for genotype in ranking.genotypes])
    steps = np.diff(np.array(alone)[found])  # scores alone, in the order found: they must never rise
    print(
        f"Order of {n} columns against scoring one by one: {np.mean(found == order):.1%} of places equal, "
        f"largest step against the order {max(steps.max(), 0.0):.1e} (rounding: {ROUNDING:g})"
    )
    return bool(steps.max() <= ROUNDING), seconds


def operations(graphs: GraphBatch, comparator: Comparator) -> float:
    """Count the floating-point operations in matrix products of scoring these graphs."""
    settings, vertices = comparator.settings, graphs.mask.sum(dim=1).double()
    hidden, width = settings.hidden, len(comparator.vocabulary) + 2 * settings.hidden
    layer = 3 * 2 * vertices * hidden**2 + 2 * 2 * vertices**2 * hidden
    of_task = 2 * width * (1 + settings.rank + 2 * hidden) + 2 * hidden * (1 + settings.rank)
    heads = 2 * of_task + 2 * width * 2  # untrained score and gain; failure and seconds
    return float(settings.members * (settings.layers * layer.sum() + heads * len(graphs)))


def slices(columns: GenotypeColumns) -> list[GenotypeColumns]:
    """Cut columns as ranking does."""
    return [columns[start : start + AT_ONCE] for start in range(0, len(columns), AT_ONCE)]


def print_stages(comparator: Comparator, task: TaskView, *, n: int) -> None:
    """Time drawing, encoding and scoring for themselves and print what share of the machine's limit each reaches."""
    flops, bandwidth = matmul_flops(), copy_bandwidth()
    print(f"Machine, {torch.get_num_threads()} threads: {flops / 1e9:.0f} GFLOP/s, {bandwidth / 1e9:.1f} GB/s copied")
    drawing, columns = timed(lambda: drawn(n), repeats=5)
    encoding, _ = timed(
        lambda: [len(encode_genotypes(part, vocabulary=comparator.vocabulary)) for part in slices(columns)], repeats=5
    )
    part = encode_genotypes(slices(columns)[0][:20_000], vocabulary=comparator.vocabulary)
    scoring, _ = timed(lambda: comparator.predict(part, task=task), repeats=5)
    written = n * (8 * plan_of(graphs()).row + sum(codes.itemsize * codes.shape[1] for codes in _matrices(columns)))
    encoded = n * part.vertices.shape[1] * (part.vertices.element_size() + 1)
    rows = (
        ("draw", drawing, n, f"{written / bandwidth / drawing.median:6.1%} of copying what it writes"),
        ("encode", encoding, n, f"{encoded / bandwidth / encoding.median:6.1%} of copying what it writes"),
        (
            "score",
            scoring,
            len(part),
            f"{operations(part, comparator) / flops / scoring.median:6.1%} of products' limit",
        ),
    )
    by_definition = seconds_by_message_passing(comparator, task, columns[:2000])
    for name, spread, n_candidates, share in rows:
        print(f"{name:7s} {n_candidates:8d}: {spread}  {1e6 * spread.median / n_candidates:7.2f} us each  {share}")
    each, of_fused = by_definition.median / 2000, scoring.median / len(part)
    print(
        f"score by torch-geometric, as it is defined, 2000: {by_definition}  {1e6 * each:7.2f} us each, "
        f"{each / of_fused:.1f} times as long (without making its graphs)"
    )


def seconds_by_message_passing(comparator: Comparator, task: TaskView, columns: GenotypeColumns) -> Timing:
    """Time scoring as it is defined, on torch-geometric, from graphs that are there."""
    from torch_geometric.data import Batch

    batch = Batch.from_data_list([geno_to_graph(genotype, comparator.vocabulary).to_data() for genotype in columns])
    with torch.no_grad():
        return timed(lambda: comparator(batch, task=task), repeats=5)[0]


def _matrices(columns: GenotypeColumns) -> tuple[NDArray[Any], ...]:
    return columns.aug1, columns.aug2, columns.edges, columns.cells


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--public", help="checkout of AutoCTS++")
    parser.add_argument("--candidates", type=int, default=300_000)
    parser.add_argument("--against", choices=("heap", "sort"), default="sort")
    asked = parser.parse_args(arguments)
    n, comparator = asked.candidates, load_comparator()
    task = TaskView(np.random.default_rng(0).normal(size=comparator.settings.task_features).astype(np.float32))
    equal, one_by_one = check_equality(comparator, task, n=500)
    if not equal:
        print("The order is not that of scoring one by one.")
        return 1

    def whole() -> None:
        rank_candidates(comparator, drawn(n), task, top_k=TOP)

    spread, _ = timed(whole, repeats=3)
    print(f"{'whole':7s} {n:8d}: {spread}  {1e6 * spread.median / n:7.2f} us each  (at most {MOST_SECONDS:g} s)")
    print(f"Peak memory up to here, torch and all: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    in_time = spread.median <= MOST_SECONDS
    print_stages(comparator, task, n=n)
    if asked.public is None:
        print(f"\nScoring our own candidates one by one: {1e3 * one_by_one:.2f} ms each, without drawing them")
        print(f"ratio {one_by_one * n / spread.median:.0f} to our own scoring one by one (no reference given)")
        return 0 if in_time else 1
    seconds = seconds_per_comparison(asked.public, n=200)
    print(f"\nAutoCTS++: {1e3 * seconds:.1f} ms a comparison (200 timed, extrapolated)")
    ratios = {}
    for way, comparisons in comparisons_needed(n).items():
        ratios[way] = comparisons * seconds / spread.median
        print(f"{way}: {comparisons} comparisons, {comparisons * seconds:.0f} s, ratio {ratios[way]:.0f}")
    ratio = ratios[asked.against]
    print(f"ratio {ratio:.0f} (needs {LEAST_RATIO})")
    return 0 if in_time and ratio >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
