"""Fine-tuning: what each mode may change, what is chosen where, and what is handed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from compute.user_error import DATA, USAGE
from downstream.classification.task import ClassificationTask
from downstream.data import load_task
from downstream.errors import DataError
from downstream.forecasting.task import ForecastingTask
from downstream.task import Task
from encoders.encoder import Encoder
from nas.cli.encoders.finetune import score_rows
from nas.cli.program import main
from nas.errors import NothingTrainedError, OptionError
from nas.labels.finetuning import finetune_encoder, n_fits
from nas.labels.forecasting import ForecastSupervision
from nas.labels.head_file import load_head
from nas.labels.heads import LabelledModel
from nas.labels.modes import ModeName
from nas.representer import Representer
from nas.saved.encoder import load_encoder, save_encoder
from nas.saved.tensor_file import SavedEncoderError
from search_space.genotype import EncoderCell, Genotype

CPU = torch.device("cpu")
GENOTYPE = Genotype.from_dict(
    {
        "schema": 1,
        "AugCell1": [["jitter", {"sigma": 0.1}]],
        "AugCell2": [],
        "EmbedCell": {"jitter": 0.0, "mask": 0.0, "norm": "none"},
        "PairCell": {"instance": True, "pool": "max", "kernel": 0},
        "LossCell": {"loss": "nt_xent", "similarity": "cosine", "temperature": 0.2},
        "EncoderCell": {
            "edges": [[0, "dilated_conv"], [1, "gru"], [0, "conv1d"]],
            "blocks": 1,
            "hidden": 8,
            "output": 8,
            "dropout": 0.1,
            "normalization": "none",
            "channels": "independent",
            "readout": "mean",
        },
        "TrainCell": {"learning_rate": 0.003, "batch_size": 8, "weight_averaging": False},
    }
)
MODES: tuple[ModeName, ...] = ("linear", "lora", "full")


def cases(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], n // 2)
    tones = np.sin(np.arange(24) / np.where(labels == 0, 1.0, 3.0)[:, None] + rng.uniform(0, 6, size=(n, 1)))
    return (tones + 0.1 * rng.normal(size=(n, 24)))[:, None, :], labels


def waves() -> pd.DataFrame:
    time = np.arange(400)
    noise = 0.1 * np.random.default_rng(0).normal(size=(400, 2))
    return pd.DataFrame(np.stack([np.sin(time / 4), np.cos(time / 7)], axis=1) + noise, columns=["a", "b"])


def load(kind: str) -> Task:
    if kind == "classification":
        task = load_task(cases(), kind="classification", name="tones")
    else:
        task = load_task(waves(), kind="forecasting", name="waves", window=24, horizons=(3, 8))
    return task


def encoder_of(task: Task, cell: EncoderCell = GENOTYPE.encoder) -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Encoder(cell, variates=task.n_variates).eval()


@pytest.fixture(params=["forecasting", "classification"])
def task(request: pytest.FixtureRequest) -> Task:
    return load(request.param).without_test()


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_changes_what_it_may(mode: ModeName, task: Task) -> None:
    encoder = encoder_of(task)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    tuned = finetune_encoder(encoder, task, mode=mode, rank=2, iterations=40, learning_rate=0.01)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    after = tuned.model.encoder.state_dict()
    assert sorted(after) == sorted(before)
    changed = {name for name in before if not torch.equal(after[name], before[name])}
    assert bool(changed) == tuned.helped
    if mode == "lora":
        assert tuned.frozen == ("GRU",) and not any("recurrence" in name or "bias" in name for name in changed)
    if mode == "linear":
        assert not changed and tuned.fit is None and tuned.n_trained == 0


@pytest.mark.parametrize("mode", ["lora", "full"])
def test_a_changed_encoder_is_kept_where_it_is_better_on_what_is_held_out(mode: ModeName, task: Task) -> None:
    tuned = finetune_encoder(encoder_of(task), task, mode=mode, iterations=60, learning_rate=0.01)
    assert tuned.fit is not None and tuned.fit.best.scores < tuned.fit.curve[0].scores
    assert tuned.errors <= min(tuned.probe.errors, tuned.fit.best.scores)
    supervision = ForecastSupervision(task, device=CPU) if isinstance(task, ForecastingTask) else None
    if supervision is not None:
        assert supervision.errors(tuned.outputs(supervision.held_out)) == pytest.approx(tuned.errors, rel=1e-4)


@pytest.mark.parametrize("mode", ["lora", "full"])
def test_training_that_spoils_the_encoder_hands_over_the_head_alone(mode: ModeName) -> None:
    task = load("forecasting").without_test()
    encoder = encoder_of(task)
    tuned = finetune_encoder(encoder, task, mode=mode, iterations=5, learning_rate=1e6)
    assert not tuned.helped and tuned.errors == tuned.probe.errors
    pairs = zip(tuned.model.encoder.state_dict().values(), encoder.state_dict().values(), strict=True)
    assert all(torch.equal(after, before) for after, before in pairs)


def test_training_teaches_the_encoder() -> None:
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 50)
    values = rng.normal(size=(100, 24))
    values[labels == 1, 1:] = values[labels == 1, :-1]  # repeats itself: no mean of single steps can tell
    values[labels == 1, 1::2] = values[labels == 1, ::2]
    task = load_task((values[:, None, :], labels), kind="classification", name="echoes")
    assert isinstance(task, ClassificationTask)
    opened, closed = task.open_test(), task.without_test()
    cell = EncoderCell(((0, "conv1d"),), 1, 16, 16, 0.0, "none", "independent", "mean")
    errors = {}
    for mode in MODES:
        tuned = finetune_encoder(encoder_of(closed, cell), closed, mode=mode, iterations=100, learning_rate=0.01)
        errors[mode] = float(np.mean(tuned.outputs(opened.windows).argmax(axis=1) != opened.labels))
    assert errors["full"] <= 0.5 * errors["linear"] and errors["lora"] <= errors["linear"], errors


@pytest.mark.parametrize("mode", ["lora", "full"])
def test_the_same_rng_seed_gives_the_same_bits(mode: ModeName, task: Task) -> None:
    before = torch.random.get_rng_state()
    first, again = (finetune_encoder(encoder_of(task), task, mode=mode, iterations=6, rng_seed=3) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert first.fit is not None and again.fit is not None and first.fit.curve == again.fit.curve
    pairs = zip(first.model.state_dict().values(), again.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("learning_rate", [None, 0.001])
@pytest.mark.parametrize("mode", MODES)
def test_every_fit_is_announced(mode: ModeName, learning_rate: float | None) -> None:
    said: list[str] = []
    task = load("classification").without_test()
    finetune_encoder(encoder_of(task), task, mode=mode, iterations=1, learning_rate=learning_rate, on_fit=said.append)
    assert len(said) == n_fits(mode, learning_rate=learning_rate) and said[0].startswith("linear head, C ")


def test_classes_of_one_case_leave_nothing_to_choose_on() -> None:
    task = load("classification").without_test()
    assert isinstance(task, ClassificationTask)
    task.labels[:] = np.arange(len(task.labels))
    with pytest.raises(DataError, match="tones: every class has one training case"):
        finetune_encoder(encoder_of(task), task)


def test_an_encoder_that_is_not_finite_is_refused(task: Task) -> None:
    encoder = encoder_of(task)
    with torch.no_grad():
        encoder.output.weight.fill_(float("nan"))
    with pytest.raises(NothingTrainedError, match=f"{task.spec.name}: .* not finite"):
        finetune_encoder(encoder, task)


def test_a_kind_without_labels_is_refused() -> None:
    task = load_task(waves(), kind="anomaly", name="waves", window=24).without_test()
    with pytest.raises(OptionError, match=r"needs labels or targets, and anomaly has none; pass --task forecasting or"):
        finetune_encoder(encoder_of(task), task)


def test_an_unknown_mode_is_named(task: Task) -> None:
    with pytest.raises(ValueError, match="mode must be one of linear, lora, full, got 'half'"):
        finetune_encoder(encoder_of(task), task, mode="half")  # type: ignore[arg-type]


def saved(kind: str, folder: Path) -> tuple[str, str]:
    """Write an encoder and data that it fits; return both paths."""
    task = load(kind)
    save_encoder(
        folder / "run" / "encoder.safetensors",
        encoder_of(task).state_dict(),
        genotype=GENOTYPE,
        task=task,
        rng_seed=0,
    )
    if kind == "forecasting":
        waves().to_csv(folder / "data.csv", index=False)
        return str(folder / "run"), str(folder / "data.csv")
    values, labels = cases()
    np.savez(folder / "data.npz", X=values, y=labels)
    return str(folder / "run"), str(folder / "data.npz")


@pytest.mark.parametrize("kind", ["forecasting", "classification"])
def test_the_command_hands_over_the_merged_encoder_its_head_and_a_table(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    for one in (ClassificationTask, ForecastingTask):
        monkeypatch.setattr(one, "open_test", _counted(one.open_test, opened))
    words = [*saved(kind, tmp_path), "--iterations", "20", "--learning-rate", "0.01", "--rank", "2", "--quiet"]
    words += ["--horizons", "3,8"] if kind == "forecasting" else []
    folder = tmp_path / "tuned"
    assert main(["finetune", *words, "--output", str(folder)]) == 0
    said = capsys.readouterr().out
    assert len(opened) == 1
    assert "linear probe before" in said and "fine-tuned (lora, rank 2)" in said
    assert "Low-rank updates leave these as they were: GRU" in said
    rows = json.loads((folder / "scores.json").read_text())
    assert set(rows[0]) == set(rows[1]) and rows[1]["value"] == rows[1]["metrics"][rows[1]["metric"]]

    # what is saved repeats the scores of the table
    encoder = load_encoder(folder).encoder
    head, facts = load_head(folder / "head.safetensors")
    task = load(kind)
    part = opened[0]
    if isinstance(task, ClassificationTask):
        assert facts["classes"] == list(task.classes)
        with torch.no_grad():
            found = LabelledModel(encoder, head)(torch.as_tensor(part.windows.gather())).argmax(dim=1).numpy()
        value = float(np.mean(found == part.labels))
    else:
        assert facts["horizons"] == [3, 8]
        errors = []
        for horizon in (3, 8):
            origins = part.origins("test", horizon)
            with torch.no_grad():
                forecasts = LabelledModel(encoder, head)(torch.as_tensor(part.windows_at(origins).gather())).numpy()
            errors.append(np.square(forecasts[:, :horizon] - part.targets_at(origins, horizon)).mean())
        value = float(np.mean(errors))
    assert rows[1]["value"] == pytest.approx(value, rel=1e-4)

    assert main(["finetune", *words, "--output", str(folder)]) == USAGE
    assert "exists; choose another --output" in capsys.readouterr().err
    assert main(["finetune", *words, "--output", str(folder), "--mode", "linear", "--overwrite"]) == 0


def _counted(open_test: Any, opened: list[Any]) -> Any:
    def call(self: Any) -> Any:
        opened.append(open_test(self))
        return opened[-1]

    return call


def test_an_encoder_found_for_anomalies_needs_a_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, data = saved("forecasting", tmp_path)
    found = load_encoder(encoder)
    object.__setattr__(found, "kind", "anomaly")
    monkeypatch.setattr("nas.cli.encoders.finetune.load_encoder", lambda path: found)
    assert main(["finetune", encoder, data, "--output", str(tmp_path / "tuned")]) == USAGE
    assert "pass --task forecasting or --task classification" in capsys.readouterr().err


def test_a_file_that_holds_no_encoder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, data = saved("forecasting", tmp_path)
    assert main(["finetune", str(tmp_path / "none"), data, "--output", str(tmp_path / "tuned")]) == DATA
    assert "no saved encoder" in capsys.readouterr().err


@pytest.mark.parametrize("facts", [None, {"facts": "{}"}, {"facts": '{"schema": 7, "kind": "x", "sizes": {}}'}])
def test_a_file_that_holds_no_head_is_refused(facts: dict[str, str] | None, tmp_path: Path) -> None:
    save_file({"mean": torch.zeros(2)}, tmp_path / "head.safetensors", facts)
    with pytest.raises(SavedEncoderError, match=r"not a saved head|schema 7 is not known"):
        load_head(tmp_path / "head.safetensors")


def test_without_a_test_part_the_table_is_of_what_was_held_out(task: Task) -> None:
    encoder = encoder_of(task)
    tuned = finetune_encoder(encoder, task, mode="linear")
    rows = score_rows(task, Representer(encoder), tuned, name="tuned")
    value = tuned.errors[0] if isinstance(task, ForecastingTask) else 1.0 - tuned.errors[0]
    assert [row.scores.value for row in rows] == [value, value]
    assert "no test part" in rows[0].scores.settings["part"]
