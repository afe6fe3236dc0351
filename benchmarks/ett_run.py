"""The whole of TS2Vec on ETTh1: train 600 iterations, encode, evaluate five horizons. Ours against the public code.

Usage: python benchmarks/ett_run.py --public CHECKOUT [--data examples/data/ETTh1.csv] [--repeats 1]
Both take the same data, sections, iterations, probes and horizons, one after the other, on one thread; each repeat
has an rng_seed of its own, as errors differ by some percent between rng_seeds on both sides. The public side runs its
own training, `encode` and `eval_forecasting`; ours is a candidate as a search trains it (with its probes on validation)
and `score_test_ts2vec`. Half an hour on the public side, whose `tasks` want the package `bottleneck`:
`--iterations` shortens both.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from public_ts2vec import import_from, machine_line, one_thread, parser, verdict

from downstream.data import load_task
from downstream.forecasting.ts2vec.scoring import score_test_ts2vec
from encoders.encoder import Encoder
from nas.net import train_candidate
from nas.representer import Representer
from search_space.presets import preset

NEEDED, CLOSE = 5.0, 0.02


class _AsItIs:
    """A scaler that leaves values alone: raw errors are not compared, and scikit-learn refuses such shapes."""

    def inverse_transform(self, values: Any) -> Any:
        """Return them."""
        return values


class Run(NamedTuple):
    """Seconds of the parts of a run, and its mean squared error over the horizons."""

    training: float
    evaluation: float
    mse: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both sides and compare."""
    made = parser(__doc__)
    made.set_defaults(repeats=1)
    made.add_argument("--data", type=Path, default=Path("examples/data/ETTh1.csv"))
    made.add_argument("--iterations", type=int, default=600)
    asked = made.parse_args(arguments)
    one_thread()
    import_from(asked.public)
    print(machine_line(), flush=True)
    found: dict[str, list[Run]] = {"ours": [], "public": []}
    for rng_seed in range(asked.repeats):
        for side, runs in found.items():
            run = _ours(asked, rng_seed) if side == "ours" else _public(asked, rng_seed)
            runs.append(run)
            seconds = f"training {run.training:.0f} s, evaluation {run.evaluation:.0f} s"
            print(f"{side}, rng_seed {rng_seed}: {seconds}, MSE {run.mse:.4f}", flush=True)
    seconds = {side: float(np.median([run.training + run.evaluation for run in runs])) for side, runs in found.items()}
    error = {side: float(np.mean([run.mse for run in runs])) for side, runs in found.items()}
    print(
        f"mean MSE: ours {error['ours']:.4f}, public {error['public']:.4f} ({error['ours'] / error['public'] - 1:+.1%})"
    )
    status = verdict(seconds["public"] / seconds["ours"], NEEDED)
    return status if abs(error["ours"] / error["public"] - 1) <= CLOSE else 1


def _ours(asked: Any, rng_seed: int) -> Run:
    task: Any = load_task(str(asked.data), kind="forecasting", protocol="ts2vec")
    genotype = preset("ts2vec", kind="forecasting")
    began = time.perf_counter()
    trial = train_candidate(genotype, task, iterations=asked.iterations, rng_seed=rng_seed, precision=asked.precision)
    trained = time.perf_counter()
    encoder = Encoder(genotype.encoder, variates=task.n_variates)
    encoder.load_state_dict(trial.weights)
    metrics, _ = score_test_ts2vec(task, task.open_test(), Representer(encoder))
    return Run(trained - began, time.perf_counter() - trained, metrics["ts2vec.mse"])


def _public(asked: Any, rng_seed: int) -> Run:
    import tasks.forecasting  # type: ignore[import-not-found]  # of the checkout
    from ts2vec import TS2Vec  # type: ignore[import-not-found]

    task: Any = load_task(str(asked.data), kind="forecasting", protocol="ts2vec")
    opened = task.open_test()
    values = opened.series[0].astype(np.float64)
    train_end, validation_end = task.bounds[0]
    # the public code puts time features first and the targets behind them
    data = np.concatenate([values[:, task.n_targets :], values[:, : task.n_targets]], axis=1)[None]
    n_features = data.shape[2] - task.n_targets
    np.random.seed(rng_seed)  # noqa: NPY002 - the public code draws from the global generators
    torch.manual_seed(rng_seed)
    began = time.perf_counter()
    model = TS2Vec(
        input_dims=data.shape[2], device="cpu", output_dims=320, batch_size=8, lr=0.001, max_train_length=3000
    )
    model.fit(data[:, :train_end], n_iters=asked.iterations)
    trained = time.perf_counter()
    parts = slice(None, train_end), slice(train_end, validation_end), slice(validation_end, None)
    _, found = tasks.forecasting.eval_forecasting(model, data, *parts, _AsItIs(), [24, 48, 168, 336, 720], n_features)
    mse = float(np.mean([found["ours"][horizon]["norm"]["MSE"] for horizon in found["ours"]]))
    return Run(trained - began, time.perf_counter() - trained, mse)


if __name__ == "__main__":
    sys.exit(main())
