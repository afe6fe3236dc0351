"""The estimator where other programs run it: threads, loops, workers, searches, a process with its own settings."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from nas import ContrastiveNAS

KINDS = ("classification", "regression", "forecasting", "anomaly")


def cases(n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(n) % 2
    rng = np.random.default_rng(0)
    x = np.sin(np.arange(30) / np.where(y, 4.0, 1.5)[:, None] + rng.uniform(0, 6, size=(n, 1)))
    return x[:, None] + 0.1 * rng.normal(size=(n, 1, 30)), y


def quick(kind: str = "classification", **changes: Any) -> ContrastiveNAS:
    return ContrastiveNAS(kind, **{"preset": "ts2vec", "iterations": 2, "workers": 1, **changes})


def series() -> np.ndarray:
    return (np.sin(np.arange(300) / 4) + 0.05 * np.random.default_rng(0).normal(size=300))[None, None]


def used(kind: str = "classification") -> np.ndarray:
    """Fit, transform and predict; return what came of it."""
    if kind in ("classification", "regression"):
        x, y = cases()
        model = quick(kind).fit(x, y + (0.1 * np.arange(24) if kind == "regression" else 0))
    else:
        x = series()
        model = quick(kind, window=16, horizons=4 if kind == "forecasting" else None).fit(x)
    return np.concatenate([model.transform(x).ravel(), model.predict(x).ravel()])


@pytest.fixture(scope="module")
def alone() -> np.ndarray:
    return used()


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_two_at_a_time_are_as_one_alone(backend: str, alone: np.ndarray) -> None:
    for result in Parallel(n_jobs=2, backend=backend)(delayed(used)() for _ in range(2)):
        np.testing.assert_array_equal(result, alone)


def test_in_a_thread_and_beside_a_running_loop(alone: np.ndarray) -> None:
    with ThreadPoolExecutor(1) as pool:
        np.testing.assert_array_equal(pool.submit(used).result(), alone)

    async def beside() -> tuple[np.ndarray, int]:
        ticks, task = 0, asyncio.create_task(asyncio.to_thread(used))
        while not task.done():
            ticks += 1
            await asyncio.sleep(0.01)
        return await task, ticks

    result, ticks = asyncio.run(beside())
    np.testing.assert_array_equal(result, alone)
    assert ticks > 2


def test_in_a_loop_that_waits_for_it(alone: np.ndarray) -> None:
    async def within() -> np.ndarray:
        return used()

    np.testing.assert_array_equal(asyncio.run(within()), alone)


def test_in_a_search_of_two_workers_and_in_a_pipeline() -> None:
    x, y = cases()
    search = GridSearchCV(quick(), {"iterations": [1, 2]}, cv=2, n_jobs=2, error_score="raise").fit(x, y)
    assert search.best_score_ > 0.8
    pipeline = make_pipeline(FunctionTransformer(), quick(), LogisticRegression()).fit(x, y)
    again = clone(pipeline).fit(x, y)
    np.testing.assert_array_equal(pipeline.predict_proba(x), again.predict_proba(x))
    assert pipeline.score(x, y) > 0.8


def settings() -> dict[str, Any]:
    """Return what a process has one of."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    return {
        "random": python,
        "np.random": (*numpy[:1], numpy[1].tobytes(), *numpy[2:]),  # type: ignore[index]
        "torch": torch.get_rng_state().numpy().tobytes(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "types": (torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()),
        "exact": (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark),
        "products": torch.get_float32_matmul_precision(),
        "warnings": list(warnings.filters),
        "errors": np.geterr(),
        "printed": np.get_printoptions(),
        "environment": dict(os.environ),
        "signals": {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM)},
        "alarm": signal.getitimer(signal.ITIMER_REAL),
        "log": (list(logging.getLogger().handlers), logging.getLogger().level),
        "folder": Path.cwd(),
        "paths": list(sys.path),
        "hooks": (sys.excepthook, sys.stdout, sys.stderr),
        "pictures": sys.modules["matplotlib"].get_backend() if "matplotlib" in sys.modules else None,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_process_has_one_of_is_left_alone(kind: str) -> None:
    import matplotlib  # so that its backend is compared

    assert matplotlib.get_backend()
    used(kind)  # libraries set themselves up when they are loaded
    before = settings()
    used(kind)
    after = settings()
    assert {name for name in before if before[name] != after[name]} == set()


@contextmanager
def default_dtype() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def default_device() -> Iterator[None]:
    torch.set_default_device("meta")
    try:
        yield
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)


@contextmanager
def all_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


USERS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "float64": default_dtype,
    "device": default_device,
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "warnings are errors": all_warnings,
    "floating point errors": lambda: np.errstate(all="raise"),
    "nothing": nullcontext,
}


@pytest.mark.parametrize("user", USERS)
def test_settings_of_the_user_change_nothing(user: str, alone: np.ndarray, tmp_path: Path) -> None:
    with USERS[user]():
        np.testing.assert_array_equal(used(), alone)
        x, y = cases()
        model = quick().fit(x, y)
        model.save(tmp_path / "saved")
        loaded = ContrastiveNAS.load(tmp_path / "saved")
        np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    assert not any(weight.is_inference() for weight in model.encoder_.encoder.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_closed(kind: str, recwarn: pytest.WarningsRecorder) -> None:
    warnings.simplefilter("always")
    used(kind)
    gc.collect()
    assert [str(one.message) for one in recwarn if issubclass(one.category, ResourceWarning)] == []


def test_a_process_without_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert quick(quiet=False).fit(*cases()).score(*cases()) > 0.8


def test_the_callers_alarm_still_rings() -> None:
    rang: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rang.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 60.0)
        quick().fit(*cases())
        assert 30.0 < signal.getitimer(signal.ITIMER_REAL)[0] < 60.0 and not rang
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def test_a_name_that_is_no_text_is_a_path(tmp_path: Path) -> None:
    x, y = cases()
    path = tmp_path / os.fsdecode(b"Z\xe4hler.npz")
    with path.open("wb") as file:
        np.savez(file, X=x, y=y)
    model = quick(output=tmp_path / "run").fit(path)
    assert model.score(x, y) > 0.8
    assert model.result_text_.isascii()
    assert "Z\\udce4hler" in (tmp_path / "run" / "answer.txt").read_text()
    assert quick(output=tmp_path / "run").fit(path).scores_ == model.scores_  # the same run again


def test_a_second_fit_leaves_nothing_of_the_first() -> None:
    import pandas as pd

    x, y = cases()
    frame = pd.DataFrame(x[:, 0], columns=[f"t{step}" for step in range(30)]).assign(label=y)
    model = quick().fit(frame)
    assert {"classes_", "feature_names_in_"} <= vars(model).keys()
    model.set_params(kind="regression").fit(x, y + 0.1 * np.arange(24))
    fresh = quick("regression").fit(x, y + 0.1 * np.arange(24))
    assert vars(model).keys() == vars(fresh).keys()
    np.testing.assert_array_equal(model.predict(x), fresh.predict(x))
