"""The forecasting protocol of TS2Vec, for figures that can stand beside published ones.

Yue et al., AAAI 2022: one ridge from the representation to all targets of all steps
together, features as they are, alpha per horizon by RMSE + MAE on validation, fitted on
training rows only, no normalisation of windows. The forecaster's own choices play no part.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from downstream.forecast_rows import usable_horizons
from downstream.forecasting_task import ForecastingTask, Origins, Part
from downstream.probes.ridge import TS2VEC_ALPHAS, RidgePath
from downstream.represent import Represent, represented

Floats = NDArray[np.floating]

# Above this many flattened features five decompositions take a minute; the protocol was made for 320.
MAX_FEATURES = 1024
BLOCK_WINDOWS = 2048


def applies(task: ForecastingTask) -> bool:
    """Whether the task was built for this protocol."""
    return "ts2vec" in task.spec.protocol.lower()


def test_ts2vec(
    task: ForecastingTask, opened: ForecastingTask, represent: Represent
) -> tuple[dict[str, float], dict[str, str]]:
    """Return `ts2vec.mse/H` and `ts2vec.mae/H` with their means, and the chosen alphas.

    Streams are flattened. Rows with a missing target are left out of fit and choice, missing targets out of the
    errors. With more than `MAX_FEATURES` features there are no figures, and the settings say so.
    """
    metrics: dict[str, float] = {}
    settings: dict[str, str] = {}
    horizons = usable_horizons(task)
    features = {}
    for part, source in (("train", task), ("validation", task), ("test", opened)):
        origins = source.origins(part, horizons[0])  # type: ignore[arg-type]
        features[part] = (origins, _flattened(source, origins, represent))
    n_features = features["train"][1].shape[1]
    if n_features > MAX_FEATURES:
        return {}, {"ts2vec.protocol": f"not run: {n_features} features, at most {MAX_FEATURES}"}
    for horizon in horizons:
        x, y = _rows(task, "train", horizon=horizon, features=features["train"])
        path = RidgePath.from_rows(torch.as_tensor(x), torch.as_tensor(y))
        x, y = _rows(task, "validation", horizon=horizon, features=features["validation"])
        alpha = _best_alpha(path, torch.as_tensor(x), torch.as_tensor(y))
        x, y = _rows(opened, "test", horizon=horizon, features=features["test"], complete=False)
        errors = (path.predict(torch.as_tensor(x), alpha=alpha).numpy() - y)[np.isfinite(y)]
        if errors.size == 0:
            continue
        metrics[f"ts2vec.mse/{horizon}"] = float(np.square(errors).mean())
        metrics[f"ts2vec.mae/{horizon}"] = float(np.abs(errors).mean())
        settings[f"ts2vec.alpha/{horizon}"] = f"{alpha:g}"
        if alpha in (TS2VEC_ALPHAS[0], TS2VEC_ALPHAS[-1]):
            settings[f"ts2vec.warning/{horizon}"] = "alpha lies on the edge of its grid"
    for name in ("ts2vec.mse", "ts2vec.mae"):
        values = [value for key, value in metrics.items() if key.startswith(f"{name}/")]
        if values:
            metrics[name] = float(np.mean(values))
    return metrics, settings


def _best_alpha(path: RidgePath, x: torch.Tensor, y: torch.Tensor) -> float:
    """Return the alpha with the lowest RMSE + MAE."""
    scores = []
    for alpha in TS2VEC_ALPHAS:
        errors = path.predict(x, alpha=alpha) - y
        scores.append(float(errors.square().mean().sqrt() + errors.abs().mean()))
    return TS2VEC_ALPHAS[int(np.argmin(scores))]


def _flattened(task: ForecastingTask, origins: Origins, represent: Represent) -> Floats:
    """Return the representation at each origin, streams side by side, (n, streams * features)."""
    parts = []
    for first in range(0, len(origins.step), BLOCK_WINDOWS):
        block = Origins(*(part[first : first + BLOCK_WINDOWS] for part in origins))
        z = represented(represent, task.windows_at(block))
        parts.append(z.reshape(len(z), -1))
    return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)


def _rows(
    task: ForecastingTask, part: Part, *, horizon: int, features: tuple[Origins, Floats], complete: bool = True
) -> tuple[Floats, Floats]:
    """Return features (n, d) and targets (n, horizon * n_targets) of the origins that serve the horizon."""
    origins, z = features
    served = task.origins(part, horizon)
    # Origins of a longer horizon are a part of those of a shorter one.
    keys = origins.series * (int(origins.step.max(initial=0)) + 1) + origins.step
    wanted = served.series * (int(origins.step.max(initial=0)) + 1) + served.step
    kept = np.isin(keys, wanted)
    targets = task.targets_at(served, horizon).reshape(len(served.step), -1)
    if not complete:
        return z[kept], targets
    whole = np.isfinite(targets).all(axis=1)
    return z[kept][whole], targets[whole]
