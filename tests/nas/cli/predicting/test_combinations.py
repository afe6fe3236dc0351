"""What the verbs make of a combination of encoders: what its members give, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from compute.memory import LEAST_BUDGET, memory_budget
from downstream.data import load_task
from nas.cli import main
from nas.labels.finetuning import FineTuned, finetune_encoder
from nas.labels.head_file import load_head
from nas.labels.heads import LabelledModel
from nas.representer import Representer
from nas.saved.encoder import load_encoder
from tests.nas.combinations import NAMES, member_file, write_run

SPIKE = 240
SIZES, PERIODS = [2, 3, 4], {"a": 4, "b": 7}


def wide(n: int = 260) -> pd.DataFrame:
    time, rng = np.arange(n), np.random.default_rng(0)
    stamps = pd.date_range("2024-01-01", periods=n, freq="h")
    return pd.DataFrame({"date": stamps, **{k: np.sin(time / p) + rng.normal(size=n) / 9 for k, p in PERIODS.items()}})


def spiked() -> pd.DataFrame:
    frame = wide()
    frame.loc[SPIKE, "a"] += 9.0
    return frame


def panel() -> pd.DataFrame:
    each = [wide(150).rename(columns={"date": "ds"}).assign(unique_id=name) for name in ("x", "y")]
    each[1][["a", "b"]] += 20.0
    return pd.concat(each, ignore_index=True)[["unique_id", "ds", "a", "b"]]


def tones() -> tuple[np.ndarray, np.ndarray]:
    labels = np.tile([0, 1], 20)
    phases = np.random.default_rng(0).uniform(0, 6, size=(40, 2, 1))
    return np.sin(np.arange(24) / np.where(labels == 0, 1.0, 3.0)[:, None, None] + phases), labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("combinations")
    wide().to_csv(folder / "wide.csv", index=False)
    panel().to_csv(folder / "panel.csv", index=False)
    np.savez(folder / "tones.npz", X=tones()[0], y=tones()[1])
    forecasting = load_task(folder / "wide.csv", kind="forecasting", window=24, horizons=(3,))
    of_panel = load_task(folder / "panel.csv", kind="forecasting", window=24, horizons=(3,))
    for n in SIZES:
        write_run(folder / f"run{n}", forecasting, NAMES[:n], predictor=True)
    write_run(folder / "panel", of_panel, NAMES)
    write_run(folder / "anomaly", load_task(folder / "wide.csv", kind="anomaly", window=24), NAMES, predictor=True)
    write_run(folder / "classification", load_task(folder / "tones.npz", kind="classification"), NAMES)
    for name in NAMES:
        (folder / f"{name}.safetensors").write_bytes(member_file(forecasting, name))
    return folder


def embedded(encoder: Path, data: Path | pd.DataFrame, *more: str) -> dict[str, np.ndarray]:
    output = encoder.parent / "out.npz"
    if isinstance(data, pd.DataFrame):
        data.to_csv(encoder.parent / "new.csv", index=False)
        data = encoder.parent / "new.csv"
    assert main([*map(str, ("embed", encoder, data, "--output", output, "--overwrite", "--quiet", *more))]) == 0
    with np.load(output) as found:
        return dict(found)


@pytest.mark.parametrize("level", ["series", "step"])
@pytest.mark.parametrize("n", SIZES)
def test_embed_gives_the_members_side_by_side_in_whatever_order_columns_come(n: int, level: str, folder: Path) -> None:
    z = embedded(folder / f"run{n}", wide(), "--level", level)["embeddings"]
    alone = [embedded(folder / f"{name}.safetensors", wide(), "--level", level)["embeddings"] for name in NAMES[:n]]
    np.testing.assert_array_equal(z, np.concatenate(alone, axis=1))
    turned = embedded(folder / f"run{n}", wide()[["b", "date", "a"]], "--level", level)["embeddings"]
    np.testing.assert_array_equal(turned, z)


def test_series_are_known_by_id(folder: Path) -> None:
    z = embedded(folder / "panel", panel())
    turned = embedded(folder / "panel", panel().iloc[::-1].sort_values("ds", kind="stable"))
    assert list(z["series"]) == ["x", "y"] and list(turned["series"]) == ["y", "x"]
    np.testing.assert_array_equal(turned["embeddings"], z["embeddings"][::-1])
    for name, row in zip(z["series"], z["embeddings"], strict=True):
        alone = embedded(folder / "panel", panel()[panel()["unique_id"] == name])["embeddings"]
        np.testing.assert_allclose(alone[0], row, rtol=1e-4, atol=1e-4)


def test_a_memory_budget_changes_nothing(folder: Path) -> None:
    represent = Representer(load_encoder(folder / "run4").encoder)
    windows = load_task(folder / "wide.csv", kind="forecasting", window=24).training_windows()
    whole = represent(windows)
    with memory_budget(LEAST_BUDGET):
        np.testing.assert_allclose(represent(windows), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("run", ["run2", "anomaly"])
def test_evaluate_tells_of_the_members_and_scores_the_untrained(
    run: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spiked().assign(label=np.arange(len(wide())) == SPIKE).to_csv(folder / "labelled.csv", index=False)
    data = folder / ("labelled.csv" if run == "anomaly" else "wide.csv")
    words = ("evaluate", folder / run, data, "--output", folder / f"{run}.json", "--quiet")
    assert main([*map(str, words)]) == 0
    said, members = capsys.readouterr().out, load_encoder(folder / run).members
    assert said.startswith(f"{len(members)} encoders side by side: ")
    assert all(f"weight {member.weight:.2f}: {member.genotype.key}, 100 iter" in said for member in members)
    scores = {row["method"]: row["value"] for row in json.loads((folder / f"{run}.json").read_text())}
    assert {"this encoder", "untrained encoder"} <= scores.keys() and np.isfinite(list(scores.values())).all()


@pytest.mark.parametrize(("mode", "run"), [("linear", "classification"), ("full", "classification"), ("lora", "run3")])
def test_finetune_hands_over_a_combination_again(
    mode: str, run: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned: list[FineTuned] = []

    def finetune_and_move(*given: Any, **asked: Any) -> FineTuned:
        """Change the encoder whether or not that pays."""
        tuned.append(finetune_encoder(*given, **asked))
        with torch.no_grad():
            for weight in tuned[0].model.encoder.parameters():
                weight.mul_(1.01)
        return tuned[0]

    monkeypatch.setattr("nas.cli.encoders.finetune.finetune_encoder", finetune_and_move)
    data = "tones.npz" if run == "classification" else "wide.csv"
    output = folder / f"{run}-{mode}"
    words = ("finetune", folder / run, folder / data, "--mode", mode, "--output", output, "--quiet", "--iterations", 2)
    assert main([*map(str, (*words, "--learning-rate", "0.001"))]) == 0
    before, after = load_encoder(folder / run), load_encoder(output)
    assert after.members == before.members and after.question == before.question
    given, kept, made = (one.state_dict() for one in (before.encoder, after.encoder, tuned[0].model.encoder))
    assert all(torch.equal(kept[name], made[name]) for name in made) and kept.keys() == given.keys()
    assert any(not torch.equal(kept[name], given[name]) for name in given)
    head, _ = load_head(output / "head.safetensors")
    if run == "classification":
        task = load_task(folder / data, kind="classification")
        opened = task.open_test()
        with torch.no_grad():
            outputs = LabelledModel(after.encoder, head)(torch.as_tensor(opened.windows.gather()))
        right = (outputs.argmax(dim=1).numpy() == opened.labels).mean()
        rows = json.loads((output / "scores.json").read_text())
        assert right == pytest.approx(rows[1]["value"])


@pytest.mark.parametrize("mode", ["lora", "full"])
def test_training_changes_the_members_and_leaves_the_given_ones(mode: str, folder: Path) -> None:
    task = load_task(folder / "tones.npz", kind="classification").without_test()
    encoder = load_encoder(folder / "classification").encoder
    kept = {name: value.clone() for name, value in encoder.state_dict().items()}
    tuned = finetune_encoder(encoder, task, mode=mode, iterations=1, learning_rate=1e-3)  # type: ignore[arg-type]
    assert tuned.fit is not None and all(torch.equal(kept[name], value) for name, value in encoder.state_dict().items())
    names = {name.split(".")[2] for name, value in tuned.fit.weights.items() if name.startswith("encoder.parts")}
    assert names == {"0", "1", "2", "3"}
    assert tuned.n_trained > 0


def test_forecast_and_detect_answer_with_a_combination(folder: Path, answered: Callable[..., pd.DataFrame]) -> None:
    for n in SIZES:
        forecast = answered("forecast", folder / f"run{n}", wide())
        assert len(forecast) == 3 and (forecast[["a_0.1", "b_0.1"]].to_numpy() < forecast[["a_0.9", "b_0.9"]]).all(
            axis=None
        )
        pd.testing.assert_frame_equal(answered("forecast", folder / f"run{n}", wide()[["b", "date", "a"]]), forecast)
    scores = answered("detect", folder / "anomaly", spiked())["score"]
    assert abs(int(scores.argmax()) - SPIKE) < 24 and scores[SPIKE] > scores[:150].max()
