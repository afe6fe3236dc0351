"""Training in closed form: nothing but the embedding changes, and it is that of the views that were drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from downstream.data import load_task
from downstream.task import Task
from nas.net import new_trainer, train_candidate
from nas.training import closed_form
from nas.training.closed_form import ClosedFormTrainer
from nas.training.loop import Trainer
from search_space.genotype import Genotype
from search_space.presets import preset

SPECTRAL = preset("rocket_spectral")
GENOTYPE = replace(SPECTRAL, encoder=replace(SPECTRAL.encoder, hidden=168, embedding=16))
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def task() -> Task:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    values = np.sin(np.arange(50) / np.array([2.0, 3.0, 5.0])[labels][:, None] + rng.uniform(0, 6, size=(60, 1)))
    values += 0.4 * rng.normal(size=(60, 50))
    return load_task((values[:, None, :], labels), kind="classification", name="three tones")


def trainer(task: Task, genotype: Genotype = GENOTYPE) -> ClosedFormTrainer:
    torch.manual_seed(0)
    found = new_trainer(genotype, task, rng_seed=0, device=CPU, max_steps=None)
    assert isinstance(found, ClosedFormTrainer)
    return found


def test_only_the_embedding_changes(task: Task) -> None:
    trains = trainer(task)
    trains.settle()
    before = {name: value.clone() for name, value in trains.encoder.state_dict().items()}
    for _ in range(3):
        trains.step()
    trains.settle()
    changed = [name for name, value in trains.encoder.state_dict().items() if not torch.equal(value, before[name])]
    assert changed == ["embedding.map.weight"]


def test_views_of_a_window_come_closer_beside_others(task: Task) -> None:
    """Against the principal directions, measured on views that were not drawn in training."""
    trains = trainer(task)
    x = torch.as_tensor(task.training_windows().gather())
    views = trains.model.strategy.views(x, generator=torch.Generator().manual_seed(9))

    def apart() -> float:
        trains.settle()
        with torch.no_grad():
            first, second = (trains.encoder.eval().represent(view.values).flatten(0, 1) for view in views)
        return float((first - second).square().sum(dim=1).mean() / torch.cat([first, second]).var(dim=0).sum())

    before = apart()
    for _ in range(4):
        trains.step()
    assert apart() < 0.8 * before


def test_enough_views_are_enough(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "MOST_ROWS", 40)
    trains = trainer(task)
    losses = [trains.step() for _ in range(5)]
    assert losses[2:] == losses[1:2] * 3 and losses[0] != losses[1]  # 32 windows a step
    assert trains.iteration == 5


def test_streams_count_as_rows(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "MOST_ROWS", 40)
    wide = load_task((np.random.default_rng(0).normal(size=(60, 8, 30)), np.arange(60) % 2), kind="classification")
    alone = replace(GENOTYPE, encoder=replace(GENOTYPE.encoder, channels="independent"))
    for known, genotype, streams in ((wide, alone, 8), (task, GENOTYPE, 1)):
        rows, n_windows = len(trainer(known, genotype)._rows), len(known.training_windows())
        assert 0.5 * 40 <= rows <= min(40, n_windows * streams)


def test_a_trial_is_probed_from_the_principal_directions_on_and_repeatable(task: Task) -> None:
    first, again, other = (train_candidate(GENOTYPE, task, iterations=8, rng_seed=rng_seed) for rng_seed in (3, 3, 4))
    assert first.status == "completed" and [point.iteration for point in first.curve] == [0, 2, 4, 8]
    assert first.curve == again.curve
    assert all(torch.equal(first.weights[name], again.weights[name]) for name in first.weights)
    assert any(not torch.equal(first.weights[name], other.weights[name]) for name in first.weights)


def test_gaps_and_unequal_lengths(task: Task) -> None:
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(2, int(length))) for length in rng.integers(9, 40, size=30)]
    for values in series[::3]:
        values[0, 3:6] = np.nan
    uneven = load_task((series, np.arange(30) % 2), kind="classification", name="uneven")
    trial = train_candidate(GENOTYPE, uneven, iterations=4, rng_seed=0)
    assert trial.status == "completed" and all(bool(weight.isfinite().all()) for weight in trial.weights.values())


@pytest.mark.parametrize("changes", [{"embedding": 0}, {"readout": "max"}])
def test_any_frozen_encoder_can_be_embedded_and_without_an_embedding_the_loss_descends(
    task: Task, changes: dict[str, object]
) -> None:
    genotype = replace(GENOTYPE, encoder=replace(GENOTYPE.encoder, **changes))
    found = new_trainer(genotype, task, rng_seed=0, device=CPU, max_steps=None)
    assert isinstance(found, Trainer if "embedding" in changes else ClosedFormTrainer)


def test_the_loss_descends_for_an_encoder_that_learns(task: Task) -> None:
    base = preset("ts2vec")
    genotype = replace(
        base, loss=replace(GENOTYPE.loss), encoder=replace(base.encoder, blocks=2, hidden=8, output=6, dropout=0.0)
    )
    trains = new_trainer(genotype, task, rng_seed=0, device=CPU, max_steps=None)
    losses = [trains.step() for _ in range(30)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
