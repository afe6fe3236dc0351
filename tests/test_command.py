"""The command says in one sentence who hides its packages, also the one that it is in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nas.version import PACKAGES as OURS
from tscnas import PACKAGES, hidden_package

HERE = Path(__file__).parents[1]


def run(*words: str, path: list[Path]) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=env, cwd=path[0], check=False, timeout=120
    )


@pytest.mark.parametrize("hidden", ["nas", "compute"])
@pytest.mark.parametrize("as_package", [True, False])
def test_whoever_hides_a_package_is_named(hidden: str, as_package: bool, tmp_path: Path) -> None:
    file = tmp_path / hidden / "__init__.py" if as_package else tmp_path / f"{hidden}.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text("raise RuntimeError('the wrong one')\n")
    done = run("-m", "tscnas", "space", path=[tmp_path, HERE])
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert f"package {hidden} is" in done.stderr and str(file.parent if as_package else file) in done.stderr


def test_all_packages_are_looked_for_and_a_missing_one_is_named() -> None:
    assert sorted(PACKAGES) == sorted(OURS) and hidden_package(PACKAGES) == ""
    assert hidden_package(["no_such_package"]).startswith("package no_such_package is missing")


def test_the_command_is_the_command_line() -> None:
    done = run("-m", "tscnas", "--version", path=[HERE])
    assert done.returncode == 0 and done.stdout.startswith("ts-contrastive-nas ")
