"""Fine-tune found encoders on their own datasets, all three ways, and print one table of test scores.

Usage: python benchmarks/finetune_table.py DATASET ... --encoders FOLDER --output FOLDER [--metric accuracy]
`--encoders` holds one run folder of `tscnas search` per dataset, with the dataset's name. What the output folder
holds already is not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ahc.evaluation.markdown import markdown_table
from nas.cli.encoders.finetune import finetune
from nas.options.using.encoders import MODES, FinetuneOptions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--encoders", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--metric", default="accuracy")
    parser.add_argument("--iterations", type=int, default=300)
    asked = parser.parse_args(arguments)
    lines: dict[str, dict[str, float]] = {}
    for path in asked.datasets:
        name = path.name.split(".")[0]
        for mode in MODES:
            folder = asked.output / f"{name}-{mode}"
            if not (folder / "scores.json").is_file():
                encoder, iterations = str(asked.encoders / name), asked.iterations
                finetune(
                    FinetuneOptions(
                        encoder, str(path), mode=mode, iterations=iterations, output=str(folder), quiet=True
                    )
                )
                print(f"{name} {mode} done", file=sys.stderr, flush=True)
            before, after = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
            line = lines.setdefault(name, {"linear probe before": before["metrics"][asked.metric]})
            line[mode] = after["metrics"][asked.metric]
    table = pd.DataFrame.from_dict(lines, orient="index")
    table.loc["mean"] = table.mean()
    print(markdown_table(table.rename_axis("dataset").reset_index()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
