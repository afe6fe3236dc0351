"""What gives the same bits: what is set inside the block, what is refused, and that all is put back."""

import os

import pytest
import torch

from compute.determinism import WORKSPACE, deterministic


def settings() -> tuple[object, ...]:
    cudnn = torch.backends.cudnn
    enabled = torch.are_deterministic_algorithms_enabled()
    return enabled, cudnn.deterministic, cudnn.benchmark, os.environ.get(WORKSPACE)


@pytest.mark.parametrize("workspace", [None, ":16:8", ":0:0"])
def test_all_of_it_holds_inside_and_is_put_back(workspace: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WORKSPACE, raising=False)
    if workspace is not None:
        monkeypatch.setenv(WORKSPACE, workspace)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = settings()
    with pytest.raises(KeyError), deterministic():
        assert settings() == (True, True, False, ":16:8" if workspace == ":16:8" else ":4096:8")
        raise KeyError
    assert settings() == before


def test_without_the_wish_nothing_changes() -> None:
    before = settings()
    with deterministic(False):
        assert settings() == before
