"""Search many datasets and print one table of test scores, a column per method.

Usage: python benchmarks/search_table.py DATASET [DATASET ...] --task classification --output FOLDER
A dataset is what `tscnas search` takes. Finished searches are not run again, so an interrupted table is resumed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ahc.evaluation.markdown import markdown_table
from downstream.kinds import KINDS
from nas.options.search import SearchOptions
from nas.search import search


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the searches and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--task", choices=KINDS, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder of the run folders and of table.csv")
    parser.add_argument("--metrics", nargs="+", required=True, help="such as accuracy/svm accuracy/logistic")
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--top-k", type=int, default=4)
    parser.add_argument("--candidates", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rng-seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    lines = []
    for path in asked.datasets:
        result = search(
            SearchOptions(
                data=str(path),
                task=asked.task,
                output=str(asked.output / path.name.split(".")[0]),
                iterations=asked.iterations,
                top_k=asked.top_k,
                candidates=asked.candidates,
                workers=asked.workers,
                rng_seed=asked.rng_seed,
                quiet=True,
            )
        )
        print(f"{path.name}: {sum(result.seconds.values()):.0f} s", file=sys.stderr, flush=True)
        # what was chosen has no second row of its own in the answer; in this table every rival has a column
        scores = {**{row.name: row.scores for row in result.rows}, result.origin: result.rows[0].scores}
        for method, found in scores.items():
            values = {metric: found.metrics[metric] for metric in asked.metrics if metric in found.metrics}
            lines.append({"dataset": path.name.split(".")[0], "method": method, **values})
    table = pd.DataFrame(lines)
    table.to_csv(asked.output / "table.csv", index=False)
    for metric in asked.metrics:
        print(f"\n### {metric}\n\n{markdown_table(by_method(table, metric=metric))}")
    return 0


def by_method(table: pd.DataFrame, *, metric: str) -> pd.DataFrame:
    """Return one row per dataset and one column per method, then the mean and the mean rank (1 is best)."""
    wide = table.pivot(index="dataset", columns="method", values=metric)[table["method"].unique()]
    wide = wide.dropna(axis="columns", how="all")
    ranks = wide.rank(axis="columns", ascending=False).mean().to_frame("mean rank").T
    mean = wide.mean().to_frame("mean").T
    counted = pd.concat([wide, mean, ranks]).astype(np.float64)
    return counted.rename_axis("dataset").reset_index()


if __name__ == "__main__":
    sys.exit(main())
