"""The loaders of trained things under fire: comparators, encoders, predictors, heads, estimators, run folders."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from ahc.checkpoint import CheckpointError, load_comparator, save_comparator
from ahc.comparator import Comparator, ComparatorSettings
from ahc.graphs.vocabulary import Vocabulary
from downstream.forecasting.combining.combination import Combination
from downstream.forecasting.combining.intervals import Intervals
from downstream.forecasting.combining.linear import Linear
from downstream.forecasting.combining.reduced import Directions
from downstream.forecasting.predictor import FittedProbe as ForecastPredictor
from downstream.kinds import task_kind
from downstream.predictor import Predictor
from downstream.scaling import Scaler
from encoders.combined import combined
from encoders.encoder import Encoder
from nas.cost.members import Member
from nas.errors import OutputExistsError
from nas.estimator import ContrastiveNAS
from nas.labels.classification import ClassHead
from nas.labels.head_file import load_head, save_head
from nas.report.result import finished_result
from nas.runs.folder import RunFolder
from nas.saved.encoder import SavedEncoder, load_encoder
from nas.saved.predictor import load_predictor, save_predictor
from nas.saved.tensor_file import SavedEncoderError
from search_space.genotype import Genotype
from search_space.presets import preset

Parts = tuple[dict[str, str], dict[str, Tensor]]
SIZES = (0, -1, 1, 3, 2**20, 2**31, 2**63, 10**30, 1e400, float("nan"), "8", None, True, [], {})
PARAMETERS = {"kind": "classification", "horizons": None}


def small_genotype() -> Genotype:
    content = preset("simclr").to_dict()
    content["EncoderCell"] |= {"hidden": 4, "output": 4, "blocks": 1, "edges": [[0, "dilated_conv"]]}
    return Genotype.from_dict(content)


def write_encoder(path: Path) -> None:
    genotype = small_genotype()
    encoder = Encoder(genotype.encoder, variates=2)
    scaler = Scaler(np.zeros((1, 2)), np.ones((1, 2)), n_rows_seen=9)
    SavedEncoder(encoder, genotype, ("a", "b"), 12, "forecasting", "t", scaler, 0).save(path)


def write_combination(path: Path) -> None:
    write_encoder(path)
    saved = load_encoder(path)
    cell = replace(saved.genotype.encoder, hidden=6, channels="independent")
    other = replace(saved.genotype, encoder=cell)
    members = (Member(saved.genotype, 0.75, 100), Member(other, 0.25, 25))
    encoder = combined([*saved.encoder.members, Encoder(cell, variates=2)])
    replace(saved, encoder=encoder, members=members).save(path)


def write_comparator(path: Path) -> None:
    settings = ComparatorSettings(task_features=3, coordinates=2, hidden=4, layers=1, rank=2, members=1)
    save_comparator(path, Comparator(Vocabulary.from_registry(), settings=settings))


def predictors() -> dict[str, tuple[str, Predictor]]:
    ones = torch.ones
    linear = {"mean": ones(4), "deviation": ones(4), "weights": ones(2, 4), "intercept": ones(2)}
    combination = Combination(
        horizons=(1, 2),
        n_lags=8,
        maps=(Linear(0, ones(1, 8, 2), ones(1, 2)), Linear(4, ones(2, 10, 2), ones(2, 2))),
        weights=({"repeat last": 1.0}, {"drift": 0.4, "repeat last": 0.6}),
        intervals=Intervals.of(torch.randn(9, 2, 2)),
        directions=Directions(ones(12), ones(12, 6)),
    )
    forecasts = ForecastPredictor.of(combination, window=12, n_targets=2)
    saved: dict[str, tuple[str, dict[str, Any], dict[str, torch.Tensor]]] = {
        "classes": ("classification", {"classes": ["a", "b"]}, {**linear, "numbers": torch.arange(2)}),
        "targets": ("regression", {}, {"weights": ones(4), "intercept": ones(1)}),
        "forecasts": ("forecasting", dict(forecasts.facts), dict(forecasts.tensors)),
        "scores": (
            "anomaly",
            {"window": 12, "firsts": [0, 3], "lengths": [20, 5]},
            {"rows": ones(25, 4)},
        ),
    }
    return {name: (kind, task_kind(kind).restore_predictor(*one)) for name, (kind, *one) in saved.items()}


def write_predictor(path: Path, name: str) -> None:
    kind, predictor = predictors()[name]
    save_predictor(path, predictor, kind=kind)


WRITERS: dict[str, Callable[[Path], None]] = {
    "comparator": write_comparator,
    "encoder": write_encoder,
    "combination": write_combination,
    "head": lambda path: save_head(
        path, ClassHead(torch.zeros(4), torch.ones(4), classes=2), kind="classification", facts={"classes": ["a"]}
    ),
    **{name: partial(write_predictor, name=name) for name in predictors()},
}
LOADERS: dict[str, Callable[[Path], object]] = {
    "comparator": load_comparator,
    "encoder": load_encoder,
    "combination": load_encoder,
    "head": load_head,
    **dict.fromkeys(predictors(), load_predictor),
}


@pytest.fixture
def valid(tmp_path: Path) -> Callable[[str], tuple[bytes, Parts]]:
    """Return a function that gives a kind's valid file as bytes and as metadata and tensors."""

    @cache
    def made(kind: str) -> tuple[bytes, Parts]:
        path = tmp_path / f"{kind}.safetensors"
        WRITERS[kind](path)
        with safe_open(path, framework="pt") as file:
            parts = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return path.read_bytes(), parts

    return made


def damaged_parts(rng: random.Random, parts: Parts) -> bytes:
    """Return a valid safetensors file whose facts or tensors are not what they should be."""
    metadata, tensors = dict(parts[0]), dict(parts[1])
    for _ in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.5:
            key = rng.choice(list(metadata))
            metadata[key] = damaged_json(rng, metadata[key])
        else:
            name = rng.choice(list(tensors) or ["x"])
            one = tensors.pop(name, torch.zeros(1))
            made = (
                one[None],
                one.flatten(),
                one.half(),
                one.to(torch.complex64),
                one * torch.nan,
                torch.zeros(0),
                -one,
            )
            if rng.random() < 0.8:
                tensors[rng.choice((name, name, name, "other"))] = rng.choice(made).contiguous()
    return save(tensors, metadata)


def damaged_json(rng: random.Random, text: str) -> str:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return rng.choice(("", "2", "x" * 1000, "\n"))
    if rng.random() < 0.1:
        return rng.choice(("[" * 9000, "9" * 5000, "null", "[]", text[: len(text) // 2], "{" * 900))
    return json.dumps(damaged_value(rng, content))


def damaged_value(rng: random.Random, content: Any) -> Any:
    """Replace, remove or add something somewhere in a JSON value."""
    if rng.random() < 0.35 or not isinstance(content, dict | list) or not content:
        return rng.choice((*SIZES, "x" * 3000, "\x1b[31m\n"))
    key = rng.choice(list(content)) if isinstance(content, dict) else rng.randrange(len(content))
    changed = content.copy()
    if rng.random() < 0.1:
        del changed[key]
    else:
        changed[key] = damaged_value(rng, content[key])
    return changed


@pytest.mark.parametrize("kind", LOADERS)
def test_saved_tensors(
    kind: str, valid: Callable[..., Any], hostile: Callable[..., None], fuzz: SimpleNamespace
) -> None:
    whole, parts = valid(kind)

    def make(rng: random.Random) -> bytes:
        if rng.random() < 0.3:
            return bytes(fuzz.bytes_of(rng, whole))
        return damaged_parts(rng, parts)

    def use(content: bytes) -> None:
        path = Path("given/one.safetensors")
        path.write_bytes(content)
        LOADERS[kind](path)

    share = 0.04 if kind in ("comparator", "encoder", "combination") else 0.02
    hostile(fuzz.seeded(kind, make), use, share=share, allowed=(CheckpointError, SavedEncoderError))


def test_estimator_folders(valid: Callable[..., Any], hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    texts = {
        "estimator.json": json.dumps({"parameters": PARAMETERS, "scores": {"chosen": 0.5}}),
        "ranking.csv": "key,score\nabc,0.1\n",
    }
    whole = {"encoder.safetensors": valid("encoder")[0], "predictor.safetensors": valid("classes")[0]}

    def make(rng: random.Random) -> dict[str, bytes]:
        name = rng.choice(list(texts))
        json_or_bytes = rng.random() < 0.5 and name.endswith("json")
        changed = damaged_json(rng, texts[name]).encode() if json_or_bytes else fuzz.bytes_of(rng, texts[name].encode())
        return {**{one: text.encode() for one, text in texts.items()}, name: changed}

    def use(files: dict[str, bytes]) -> None:
        for name, content in (whole | files).items():
            (Path("given") / name).write_bytes(content)
        ContrastiveNAS.load("given")

    hostile(fuzz.seeded("estimator", make), use, share=0.02, allowed=(SavedEncoderError,))


def test_run_folders(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    run = {
        "chosen": {"genotype": preset("simclr").to_dict(), "origin": "preset"},
        "rows": [{"method": "m", "baseline": False, "value": 1.0, "metric": "mse", "higher_is_better": False}],
        "seconds": {"read data": 1.0},
    }
    texts = {"config.json": json.dumps({"question": {"data": "d.csv", "top_k": 4}}), "run.json": json.dumps(run)}

    def make(rng: random.Random) -> dict[str, bytes]:
        name = rng.choice(list(texts))
        changed = (
            damaged_json(rng, texts[name]).encode() if rng.random() < 0.5 else fuzz.bytes_of(rng, texts[name].encode())
        )
        return {**{one: text.encode() for one, text in texts.items()}, name: changed}

    def use(files: dict[str, bytes]) -> None:
        for name, content in {**files, "answer.txt": b"answer"}.items():
            (Path("given") / name).write_bytes(content)
        finished_result(RunFolder("given", config={"data": "d.csv", "top_k": 4}).path)

    hostile(fuzz.seeded("run", make), use, share=0.03, allowed=(OutputExistsError,))
