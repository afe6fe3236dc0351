"""What a user left open about running candidates is filled in for this machine."""

from __future__ import annotations

import pytest
import torch

from compute.machine import machine_memory
from nas.engines.settings import EngineSettings, last_resort
from nas.errors import OptionError


def test_memory_is_shared_out_among_the_workers_unless_it_is_a_gpu_s(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EngineSettings.chosen(engine="process", workers=4, device="cpu").memory_limit == machine_memory() // 4
    assert EngineSettings.chosen(engine="process", workers=4, device="cpu", memory_limit=7).memory_limit == 7
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    on_gpu = EngineSettings.chosen(engine="process", workers=4, device="cuda:0")
    assert on_gpu.memory_limit is None and on_gpu.gpu_share == 1.0
    assert EngineSettings.chosen(engine="process", workers=4, device="cpu").gpu_share == 0.0


def test_an_engine_is_asked_by_its_flags() -> None:
    assert EngineSettings.chosen(engine="serial", workers=4, device="cpu").workers == 1
    assert EngineSettings.chosen(engine="serial", workers=4, device="cpu").memory_limit == machine_memory()
    pytest.importorskip("ray", reason="the engine is an extra")
    elsewhere = EngineSettings.chosen(engine="ray", workers=4, device="cuda:3", gpu_share=0.25)
    assert (elsewhere.memory_limit, elsewhere.device, elsewhere.gpu_share) == (None, "cuda:3", 0.25)


def test_only_a_device_that_is_there_is_taken() -> None:
    with pytest.raises(OptionError, match="device"):
        EngineSettings.chosen(engine="process", workers=1, device="tpu")


def test_the_engine_s_own_limit_is_the_last_resort() -> None:
    assert last_resort(None) is None and last_resort(20.0) == 120.0
