"""What a machine offers, and what is said where it is little."""

from __future__ import annotations

import builtins
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from nas.cli.doctor import machine
from nas.cli.doctor.check import FAIL, OK, WARN
from nas.cli.doctor.machine import GB, check_cores, check_disk, check_gpu, check_memory, check_threads, cpu_quota


@pytest.mark.parametrize(
    ("content", "quota"), [("max 100000\n", None), ("150000 100000\n", 1.5), ("", None), ("1 0", None), ("x y", None)]
)
def test_the_quota_of_a_control_group(content: str, quota: float | None, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(content)
    assert cpu_quota(tmp_path / "cpu.max") == quota
    assert cpu_quota(tmp_path / "none") is None


def test_fewer_workers_where_the_group_gets_less_than_its_cores() -> None:
    assert check_cores(4, quota=None).level == check_cores(4, quota=4.0).level == OK
    for quota, workers in ((2.5, 2), (0.5, 1)):
        check = check_cores(4, quota=quota)
        assert (check.level, check.advice) == (WARN, f"pass --workers {workers}")


@pytest.mark.parametrize(
    ("setting", "level"),
    [(None, OK), ("1", OK), ("4", OK), ("5", WARN), ("0", WARN), ("", WARN), ("many", WARN), ("²", WARN)],
)
def test_the_setting_of_threads(setting: str | None, level: str) -> None:
    check = check_threads(setting, cores=4)
    assert check.level == level and f"torch uses {torch.get_num_threads()} here" in check.text


def test_memory_is_judged_per_candidate_and_by_what_the_group_may_use() -> None:
    assert check_memory(16 * GB, usable=16 * GB, cores=4).level == OK
    check = check_memory(64 * GB, usable=3 * GB, cores=8)
    assert (check.level, check.advice) == (WARN, "pass --workers 3")
    assert "64.0 GB, of which the group may use 3.0 GB" in check.text
    assert check_memory(GB // 2, usable=GB // 2, cores=2).advice == "pass --workers 1"


@pytest.mark.parametrize(("free", "level"), [(50 * GB, OK), (GB, WARN), (10**6, FAIL)])
def test_room_on_the_disk(free: int, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    check = check_disk(tmp_path)
    assert check.level == level and bool(check.advice) is (level != OK)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda folder, mode: False)
    assert (check_disk(tmp_path).level, "--output" in check_disk(tmp_path).advice) == (WARN, True)


def test_a_gpu_is_named_and_a_hidden_one_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(machine, "_DRIVER", tmp_path / "version")
    assert (check_gpu().level, "none" in check_gpu().text) == (OK, True)
    (tmp_path / "version").touch()
    monkeypatch.setattr(torch.version, "cuda", None)
    assert (check_gpu().level, check_gpu().advice) == (WARN, "install a torch built for CUDA")
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    assert check_gpu().advice == "update the driver to one for CUDA 12.6"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda at: "Big One")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda at: SimpleNamespace(total_memory=141 * GB))
    assert check_gpu().text == "Big One with 141 GB; --device auto takes it"


def test_a_torch_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *rest: Any) -> Any:
        if name == "torch":
            raise OSError("libtorch.so:\ncannot open shared object file")
        return importing(name, *rest)

    importing = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    check = check_gpu()
    assert check.level == FAIL and "OSError: libtorch.so: cannot open" in check.text
