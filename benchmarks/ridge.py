"""Ridge of TS2Vec's protocol, 13 alphas and 5 horizons on ETTh1: ours against scikit-learn as the public code calls it.

Usage: python benchmarks/ridge.py --public CHECKOUT [--data examples/data/ETTh1.csv] [--features encoder|random]
Both sides start from the same representations and the same series and end with MSE and MAE on test, on one thread.
`encoder`: the `ts2vec` preset, untrained; its representations have rank 64, the width of its latent. `random`: normal
numbers of full rank 320, the worst case: ours takes about 4.5 times as long. The public side runs once more than
--repeats, about 17 s each on a quiet core.
"""

from __future__ import annotations

import argparse
import sys
import types
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from public_ts2vec import machine_line, one_thread, verdict
from scipy.linalg import LinAlgWarning
from timing import in_turn

from downstream.data import load_task
from downstream.forecasting.task import ForecastingTask, Part
from downstream.forecasting.ts2vec import scoring as protocol
from downstream.probes.ridge import TS2VEC_ALPHAS
from encoders.encoder import Encoder
from nas.representer import Representer
from search_space.presets import preset

NEEDED = 20.0
TOLERANCE = 1e-4
WIDTH = 320
PADDING = 200
Features = dict[Part, NDArray[np.float32]]


class Public(NamedTuple):
    """What the public side found for one horizon: alpha, predictions on test (n, horizon * n_targets), MSE."""

    alpha: float
    predictions: NDArray[np.float32]
    mse: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Time both, then check that they agree before a ratio is printed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--public", type=Path, required=True, help="checkout of the public TS2Vec code")
    parser.add_argument("--data", type=Path, default=Path("examples/data/ETTh1.csv"))
    parser.add_argument("--features", choices=("encoder", "random"), default="encoder")
    parser.add_argument("--repeats", type=int, default=2)
    asked = parser.parse_args(arguments)
    one_thread()
    warnings.simplefilter("ignore", LinAlgWarning)  # float32 Gram matrices of the public side
    tasks = _public_tasks(asked.public)
    opened = cast(ForecastingTask, load_task(str(asked.data), kind="forecasting", protocol="ts2vec")).open_test()
    features = _features(opened, asked.features)
    print(f"{machine_line()}; {_double_flops() / 1e9:.0f} GFLOP/s in float64")
    found: dict[int, Public] = {}
    timings = in_turn(
        [lambda: found.update(_public(tasks, opened, features)), lambda: protocol.errors_by_horizon(opened, features)],
        repeats=asked.repeats,
    )
    if not _agree(opened, features, found):
        return 1
    public, ours = timings
    cells = len(TS2VEC_ALPHAS) * len(found)
    rows, compression = protocol.compressed_rows(opened, features)
    work = _multiply_adds(rows, compression.basis.shape[1]) * 2
    print(f"1 warm-up and {asked.repeats} repeats: public {public}, ours {ours}")
    print(
        f"per alpha and horizon: public {public.median / cells * 1e3:.1f} ms, ours {ours.median / cells * 1e3:.2f} ms"
    )
    print(
        f"ours: {work / 1e9:.0f} GFLOP in float64 products at {work / ours.median / _double_flops():.2f} of the limit"
    )
    return verdict(public.median / ours.median, NEEDED)


def _public_tasks(checkout: Path) -> Any:
    """Return the public module `tasks.forecasting`, without the package's other tasks and what they import."""
    package = types.ModuleType("tasks")
    package.__path__ = [str(checkout / "tasks")]
    sys.modules["tasks"] = package
    import tasks.forecasting  # from the checkout

    return tasks.forecasting


def _features(opened: ForecastingTask, kind: str) -> Features:
    """Return features of the origins of the shortest horizon, per part."""
    origins = {part: opened.origins(part, min(opened.spec.horizons)) for part in protocol.PARTS}
    if kind == "random":
        rng = np.random.default_rng(0)
        return {part: rng.normal(size=(len(at.step), WIDTH)).astype(np.float32) for part, at in origins.items()}
    torch.manual_seed(0)
    represent = Representer(Encoder(preset("ts2vec", kind="forecasting").encoder, variates=opened.n_variates))
    return {part: represent(opened.windows_at(at)).reshape(len(at.step), -1) for part, at in origins.items()}


def _public(tasks: Any, opened: ForecastingTask, features: Features) -> dict[int, Public]:
    """Do what the public `eval_forecasting` does after encoding."""
    edges = (0, *opened.bounds[0], len(opened.series[0]))
    values = opened.series[0][None, :, : opened.n_targets].astype(np.float64)
    data, z = [], []
    for part, first, end in zip(protocol.PARTS, edges[:-1], edges[1:], strict=True):
        data.append(values[:, first:end])
        z.append(np.zeros((1, end - first, features[part].shape[1]), dtype=np.float32))
        dropped = PADDING if part == "train" else 0
        z[-1][0, dropped : dropped + len(features[part])] = features[part]
    found = {}
    for horizon in opened.spec.horizons:
        train, validation, test = (
            tasks.generate_pred_samples(z[part], data[part], horizon, drop=PADDING if part == 0 else 0)
            for part in range(3)
        )
        model = tasks.eval_protocols.fit_ridge(*train, *validation)
        predictions = model.predict(test[0])
        found[horizon] = Public(model.alpha, predictions, tasks.cal_metrics(predictions, test[1])["MSE"])
    return found


def _agree(opened: ForecastingTask, features: Features, found: dict[int, Public]) -> bool:
    """Compare alphas, predictions on test and MSE, and say so."""
    rows, _ = protocol.compressed_rows(opened, features)
    metrics, _ = protocol.errors_by_horizon(opened, features)
    alike = True
    for index, fit in enumerate(protocol.fits(rows)):
        assert fit is not None, "this data set has no gaps"
        public = found[fit.horizon]
        x = rows["test"].x[rows["test"].reach >= index]
        gap = float(np.abs(fit.path.predict(x, alpha=fit.alpha).numpy() - public.predictions).max())
        mse = metrics[f"ts2vec.mse/{fit.horizon}"]
        print(
            f"horizon {fit.horizon}: alpha {fit.alpha:g} and {public.alpha:g}, MSE {mse:.6f} and {public.mse:.6f},",
            end=" ",
        )
        print(f"predictions differ by {gap:.1e} (allowed {TOLERANCE:g})")
        alike &= fit.alpha == public.alpha and gap <= TOLERANCE and abs(mse - public.mse) <= TOLERANCE
    if not alike:
        print("the two are not equal")
    return alike


def _multiply_adds(rows: dict[Part, Any], rank: int) -> float:
    """Return multiply-adds of our products where one alpha is tried per horizon, without decompositions, transforms."""
    n_targets = rows["train"].values.shape[1]
    work = sum(len(rows[part].x) for part in protocol.PARTS) * WIDTH * (WIDTH + rank)  # Gram, energies, compression
    for index, horizon in enumerate(rows["train"].horizons):
        reached = {part: int((rows[part].reach >= index).sum()) for part in ("validation", "test")}
        # predictions of both parts, and the slope of the mean absolute error
        work += (2 * reached["validation"] + reached["test"]) * rank * horizon * n_targets
    return float(work)


def _double_flops(size: int = 1024) -> float:
    a, b, out = (torch.rand(size, size, dtype=torch.float64) for _ in range(3))
    return 2 * size**3 / in_turn([lambda: torch.mm(a, b, out=out)], repeats=7)[0].median


if __name__ == "__main__":
    sys.exit(main())
