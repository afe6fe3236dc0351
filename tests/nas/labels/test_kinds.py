"""What fine-tuning stands on: heads that are solved for, and shares that are held out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.forecasting.task import ForecastingTask
from encoders.encoder import Encoder
from nas.labels.classification import ClassSupervision, stratified_share
from nas.labels.forecasting import ForecastSupervision
from nas.labels.heads import LabelledModel
from nas.labels.supervision import SolvedHead
from nas.representer import Representer
from search_space.genotype import EncoderCell

CPU = torch.device("cpu")


def test_a_stratified_share_spares_the_only_case_of_a_class() -> None:
    labels = np.repeat([0, 1, 2, 3], [20, 10, 2, 1])
    held_out = stratified_share(labels, share=0.2, rng=np.random.default_rng(0))
    assert np.bincount(labels[held_out], minlength=4).tolist() == [4, 2, 1, 0]


@pytest.mark.parametrize("shared", [True, False])
def test_the_solved_forecaster_is_the_ridge_of_its_setting(shared: bool) -> None:
    time = np.arange(400)
    noise = 0.1 * np.random.default_rng(0).normal(size=(400, 2))
    waves = pd.DataFrame(np.stack([np.sin(time / 4), np.cos(time / 7)], axis=1) + noise, columns=["a", "b"])
    task = load_task(waves, kind="forecasting", name="waves", window=24, horizons=(3, 8)).without_test()
    assert isinstance(task, ForecastingTask)
    cell = EncoderCell(((0, "conv1d"),), 1, 4, 4, 0.0, "none", "independent" if shared else "mixed", "last")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = Encoder(cell, variates=task.n_variates).eval()
    supervision = ForecastSupervision(task, device=CPU)
    probe = supervision.solve(encoder)
    rows = Representer(encoder)(supervision.fitted).astype(np.float64)
    targets = supervision.targets(torch.arange(supervision.fitted.n)).numpy()
    windows = supervision.held_out
    last, last_fitted = windows.gather()[:, -1], supervision.fitted.gather()[:, -1]
    new = Representer(encoder)(windows).astype(np.float64)
    expected = np.empty((windows.n, 8, 2))
    settings = [part.split() for part in probe.setting.split("; ")]  # alpha A on changes|values to step H
    assert [part[-1] for part in settings] == ["3", "8"]
    for steps, (_, alpha, _, what, *_) in zip((slice(0, 3), slice(3, 8)), settings, strict=True):
        level = float(what == "changes")
        for target in range(2):
            streams = [0, 1] if shared else [0]
            x = np.concatenate([rows[:, stream] for stream in streams])
            y = np.concatenate([targets[:, steps, one] - level * last_fitted[:, [one]]
                                for one in ([0, 1] if shared else [target])])  # fmt: skip
            mean, deviation = x.mean(axis=0), x.std(axis=0)
            x = (x - mean) / deviation
            weights = np.linalg.solve(x.T @ x + float(alpha) * np.eye(x.shape[1]), x.T @ (y - y.mean(axis=0)))
            found = (new[:, target if shared else 0] - mean) / deviation @ weights + y.mean(axis=0)
            expected[:, steps, target] = found + level * last[:, [target]]
    with torch.no_grad():
        outputs = LabelledModel(encoder, probe.head)(torch.as_tensor(windows.gather()))
    # the setting shows alpha with three digits
    np.testing.assert_allclose(outputs.numpy(), expected, rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_head_of_classes_is_fitted_to_what_it_was_chosen_on_as_well(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % n_classes
    series = rng.normal(size=(60, 1, 24)) * (1 + labels)[:, None, None]
    task = load_task((series, labels), kind="classification", name="loud", layout="nct").without_test()
    assert isinstance(task, ClassificationTask)
    cell = EncoderCell(((0, "conv1d"),), 1, 4, 4, 0.0, "none", "independent", "max")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = Encoder(cell, variates=1).eval()
    supervision = ClassSupervision(task, rng_seed=0, device=CPU)
    solved = supervision.solve(encoder)
    head, _ = supervision.handed_over(encoder, SolvedHead(solved.head, solved.setting, solved.errors, penalty=0.1))
    z = Representer(encoder)(task.windows)
    x = (z[:, 0] - z[:, 0].mean(axis=0)) / z[:, 0].std(axis=0)
    expected = LogisticRegression(C=0.1, max_iter=1000).fit(x, task.labels).predict_proba(x)
    with torch.no_grad():
        found = head(torch.as_tensor(task.windows.gather()), torch.as_tensor(z)).softmax(dim=1)
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-3)
