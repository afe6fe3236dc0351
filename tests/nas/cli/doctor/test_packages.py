"""Versions that are installed, and files that hide packages."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nas.cli.doctor import packages
from nas.cli.doctor.check import FAIL, OK, WARN
from nas.cli.doctor.packages import (
    HOME,
    Requirement,
    check_shadows,
    check_versions,
    read_requirements,
    release,
    shadows,
)


def test_the_requirements_of_setup_cfg_are_understood() -> None:
    config = configparser.ConfigParser()
    config.read(HOME / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"].split()
    extras = {name: value.split() for name, value in config["options.extras_require"].items()}
    asked = [*lines, *(f'{need}; extra == "{name}"' for name, needs in extras.items() for need in needs)]
    found = read_requirements(asked)
    assert [f"{one.name}>={one.least}" for one in found if not one.extra] == lines
    assert {one.extra for one in found} == {"", *extras} - {"dev"}
    assert all(release(one.least) for one in found)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("torch>=2.6", Requirement("torch", "2.6", "")),
        ("ray>=2.40; extra == 'ray'", Requirement("ray", "2.40", "ray")),
        ('aeon[dl] (>=1.0,<2) ; python_version > "3" and extra == "data"', Requirement("aeon", "1.0", "data")),
        ("PyYAML", Requirement("PyYAML", "", "")),
    ],
)
def test_a_line_of_metadata(line: str, expected: Requirement) -> None:
    assert read_requirements([line]) == [expected]


def test_releases_compare_as_numbers() -> None:
    assert release("2.13.0+cpu") == release("2.13") > release("2.6") == release("2.6rc1") > release("1.99")
    assert release("") == release("0.0") == ()


def test_what_is_missing_or_too_old_fails_with_the_command_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = [Requirement("torch", "2.6", ""), Requirement("numpy", "9.9", ""), Requirement("ray", "2.40", "ray"),
             Requirement("scipy", "1.11", "")]  # fmt: skip
    monkeypatch.setattr(packages, "requirements", lambda: needs)
    found = {"torch": None, "ray": None, "numpy": "2.3.5", "scipy": "1.17.1", packages.NAME: "0.1.0"}
    monkeypatch.setattr(packages, "version_of", found.get)
    checks = {check.name: check for check in check_versions()}
    assert (checks["torch"].level, checks["torch"].advice) == (FAIL, "pip install 'torch>=2.6'")
    assert (checks["numpy"].level, checks["numpy"].advice) == (FAIL, "pip install 'numpy>=9.9'")
    assert checks["ray"].level == OK and "pip install 'ts-contrastive-nas[ray]'" in checks["ray"].text
    assert checks["scipy"].level == OK and checks["scipy"].text == "1.17.1"
    found[packages.NAME] = None
    assert next(check for check in check_versions() if check.name == packages.NAME).level == WARN


def folders(tmp_path: Path, *names: str) -> list[Path]:
    made = [tmp_path / name for name in names]
    for folder in made:
        folder.mkdir()
    return made


def test_only_what_comes_first_and_can_be_imported_hides_a_package(tmp_path: Path) -> None:
    early, site, late, here = folders(tmp_path, "early", "site", "late", "here")
    homes = dict.fromkeys(("torch", "numpy", "encoders", "scipy"), site)
    for folder in (site, late):
        (folder / "torch").mkdir()
        (folder / "torch" / "__init__.py").touch()
    (early / "encoders").mkdir()  # a folder alone hides nothing
    (early / "numpy.txt").touch()
    (early / "notours.py").touch()
    path = [str(early), "", str(site), str(late)]
    assert shadows(homes, path=path, here=here) == ([], [])
    (early / "scipy.cpython-311-x86_64-linux-gnu.so").touch()
    (here / "torch.py").touch()
    hiding, waiting = shadows(homes, path=path, here=here)
    assert hiding == [("scipy", early / "scipy.cpython-311-x86_64-linux-gnu.so"), ("torch", here / "torch.py")]
    assert waiting == []
    # the current folder is not on the path of an installed command
    hiding, waiting = shadows(homes, path=[str(site), "/no/such/folder", "/some.zip"], here=here)
    assert (hiding, waiting) == ([], [("torch", here / "torch.py")])
    assert shadows(homes, path=[str(site)], here=site) == ([], [])


def test_a_file_in_this_folder_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    assert check_shadows().level == OK
    (tmp_path / "downstream.py").touch()
    check = check_shadows()
    assert check.level == WARN and str(tmp_path / "downstream.py") in check.text and "rename" in check.advice


@pytest.mark.parametrize("name", ["torch", "encoders"])
def test_a_hidden_package_is_a_finding_and_no_crash(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')\n")
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from nas.cli import main; sys.exit(main(['doctor']))"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{HOME}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3 and done.stderr == ""
    line = next(line for line in done.stdout.splitlines() if line.startswith("fail"))
    assert f"{name} is hidden by {tmp_path / name}.py -> rename it" in line
