"""One trial: repeatable, probed from iteration 0, and honest about divergence and time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from downstream.data import load_task
from downstream.evaluation import validate
from downstream.task import Task
from encoders.encoder import Encoder
from nas.net import new_trainer, train_candidate
from nas.representer import Representer
from nas.saved.encoder import load_encoder, save_encoder
from search_space.genotype import Genotype
from search_space.presets import preset

GENOTYPE = {
    "schema": 1,
    "AugCell1": [["jitter", {"sigma": 0.1}]],
    "AugCell2": [["point_mask", {"ratio": 0.2}]],
    "EmbedCell": {"jitter": 0.0, "mask": 0.0, "norm": "none"},
    "PairCell": {"instance": True, "temporal": True, "pool": "max", "kernel": 3},
    "LossCell": {"loss": "nt_xent", "similarity": "cosine", "temperature": 0.2},
    "EncoderCell": {
        "edges": [[0, "dilated_conv"], [1, "identity"], [0, "conv1d"]],
        "blocks": 1,
        "hidden": 8,
        "output": 16,
        "dropout": 0.1,
        "normalization": "none",
        "channels": "mixed",
        "readout": "max",
    },
    "TrainCell": {"learning_rate": 0.003, "batch_size": 8, "weight_averaging": True},
}


@pytest.fixture(scope="module")
def task() -> Task:
    rng = np.random.default_rng(0)
    time = np.arange(40)
    labels = np.repeat([0, 1], 20)
    phase = rng.uniform(0, 6, size=(40, 1))
    values = np.sin(time / np.where(labels == 0, 3.0, 5.0)[:, None] + phase) + 0.3 * rng.normal(size=(40, 40))
    return load_task((values[:, None, :], labels), kind="classification", name="two tones")


def genotype(**train: float) -> Genotype:
    content = {**GENOTYPE, "TrainCell": {**GENOTYPE["TrainCell"], **train}}
    return Genotype.from_dict(content)


def test_same_rng_seed_gives_the_same_bits_and_another_one_does_not(task: Task) -> None:
    first, again, other = (train_candidate(genotype(), task, iterations=6, rng_seed=rng_seed) for rng_seed in (3, 3, 4))
    assert first.curve == again.curve
    assert all(torch.equal(first.weights[name], again.weights[name]) for name in first.weights)
    assert any(not torch.equal(first.weights[name], other.weights[name]) for name in first.weights)


def test_a_trial_leaves_the_global_generator_alone(task: Task) -> None:
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    train_candidate(genotype(), task, iterations=2, rng_seed=3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_curve_starts_untrained_and_the_last_point_is_the_trial_s(task: Task) -> None:
    trial = train_candidate(genotype(), task, iterations=8, rng_seed=0)
    assert [point.iteration for point in trial.curve] == [0, 2, 4, 8]
    assert trial.curve[0].loss is None
    assert trial.score == trial.curve[-1].score and trial.untrained_score == trial.curve[0].score
    assert trial.gain == trial.curve[-1].score - trial.curve[0].score
    assert trial.best is not None and trial.best.score == max(point.score for point in trial.curve)


def test_weights_and_details_are_those_that_the_last_score_was_given_to(task: Task) -> None:
    trial = train_candidate(genotype(), task, iterations=8, rng_seed=0)
    assert trial.best is not None and trial.best.iteration < 8  # so it makes a difference
    encoder = Encoder(trial.genotype.encoder, variates=1)
    encoder.load_state_dict(trial.weights)
    again = validate(task, Representer(encoder.eval()), rng_seed=0)
    assert again.value == trial.score and dict(again.details) == trial.details


def test_contrastive_training_lowers_its_loss(task: Task) -> None:
    trial = train_candidate(genotype(), task, iterations=80, rng_seed=0)
    losses = [point.loss for point in trial.curve if point.loss is not None]
    assert losses[-1] < losses[0]


def test_divergence_is_a_status_with_the_curve_so_far(task: Task) -> None:
    trial = train_candidate(genotype(learning_rate=1e30), task, iterations=8, rng_seed=0)
    assert trial.status == "diverged"
    assert trial.curve[0].iteration == 0 and trial.untrained_score == trial.curve[0].score
    assert trial.score is None and trial.gain is None and trial.weights == {} and trial.details == {}
    assert "finite" in trial.message or "became" in trial.message


def test_time_limit_stops_training_and_keeps_what_there_is(task: Task) -> None:
    trial = train_candidate(genotype(), task, iterations=100_000, rng_seed=0, time_limit=0.2)
    assert trial.status == "timeout"
    assert trial.curve[-1].iteration < 100_000
    assert trial.score == trial.curve[-1].score and trial.weights


def test_a_bank_is_fitted_once_and_learns_only_where_it_may(task: Task, tmp_path: Path) -> None:
    frozen = replace(preset("minirocket"), encoder=replace(preset("minirocket").encoder, hidden=84))
    trial = train_candidate(frozen, task, iterations=8)
    assert trial.status == "completed" and [point.iteration for point in trial.curve] == [0]
    assert trial.weights["readout.start"].abs().sum() > 0
    trained = preset("rocket_contrastive")
    trial = train_candidate(trained, task, iterations=8)
    assert [point.iteration for point in trial.curve] == [0, 2, 4, 8]
    zero = train_candidate(trained, task, iterations=0)
    last = new_trainer(trained, task, rng_seed=0, device=torch.device("cpu"), max_steps=None)
    first_losses, *_, last_losses = (np.mean([last.step() for _ in range(8)]) for _ in range(5))
    assert last_losses < first_losses
    save_encoder(tmp_path / "encoder.safetensors", trial.weights, genotype=trained, task=task, rng_seed=0)
    saved, untrained = load_encoder(tmp_path / "encoder.safetensors"), Encoder(trained.encoder, variates=1)
    untrained.load_state_dict(zero.weights)
    for one, other in ((saved.untrained(1), untrained), (saved.encoder, saved.encoder_for(["v"], has_names=False))):
        z = Representer(one)(task.training_windows())
        np.testing.assert_array_equal(z, Representer(other)(task.training_windows()))
