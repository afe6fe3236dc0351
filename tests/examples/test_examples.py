"""The worked examples run, with small sizes, and print what they found."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from downstream.cases import features

EXAMPLES = Path(__file__).parents[2] / "examples"
SIZES: dict[str, dict[str, Any]] = {
    "full_training": {"iterations": 4},
    "cnn_probe": {"iterations": 4},
    "policy_regression": {"iterations": 20, "trials": 8, "trained": 2},
}


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize("name", SIZES)
def test_an_example_runs_and_says_what_it_found(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(features, "find_spec", lambda name: None)  # MiniRocket compiles for half a minute
    found = module(name).main(**SIZES[name])
    told = capsys.readouterr().out
    assert len(found) >= 3
    for method, figure in found.items():
        assert method in told and f"{figure:.3f}" in told


def test_every_example_is_short_and_run_here() -> None:
    files = sorted(EXAMPLES.glob("*.py"))
    assert [file.stem for file in files] == sorted(SIZES)
    assert all(len(file.read_text(encoding="utf-8").splitlines()) < 100 for file in files)
