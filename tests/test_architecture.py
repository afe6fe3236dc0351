"""What holds for the project as a whole: names, sizes, side effects, and packages that lie side by side."""

from __future__ import annotations

import ast
import configparser
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from nas.version import PACKAGES
from search_space import registry

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (*PACKAGES, "scripts", "tests", "benchmarks")
MOST_FILES = 12
FOLDERS_OF_OURS = sorted({path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")})
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
)
# raised and caught between our own parts: no command ends with them
INTERNAL_ERRORS = {"DivergedError", "UserError"}


def run_python(code: str) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 50 and {name.split(".")[0] for name in MODULES} == set(PACKAGES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_has_a_real_name_a_docstring_and_less_than_300_lines(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert path.stem not in {"utils", "helpers", "common", "misc"}
    assert ast.get_docstring(ast.parse(text)), "the file does not say what it is"
    assert text.count("\n") < 300


@pytest.mark.parametrize("folder", FOLDERS_OF_OURS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_folder_holds_at_most_a_dozen_files_of_its_own_unless_it_is_one_of_options(folder: Path) -> None:
    options = {registry.PROVIDERS[kind].replace(".", "/") for kind in registry.PROVIDERS}
    files = list(folder.glob("*.py"))
    assert len(files) <= MOST_FILES or str(folder.relative_to(ROOT)) in options, sorted(file.name for file in files)


def test_imports_keep_their_contracts() -> None:
    """One way between packages, and inside `nas`, imports for types included."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0 and "0 broken" in done.stdout, done.stdout + done.stderr


def test_the_packages_are_named_alike_wherever_tools_need_them() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = {
        "find": [name.removesuffix("*") for name in setup["options.packages.find"]["include"].split()],
        "types": setup["mypy"]["packages"].replace(",", " ").split(),
        "imports": setup["importlinter"]["root_packages"].split(),
        "isort": project["tool"]["ruff"]["lint"]["isort"]["known-first-party"],
    }
    assert all(sorted(names) == sorted(PACKAGES) for names in listed.values()), listed


def test_benchmarks_find_what_they_measure() -> None:
    names = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
    code = "import importlib, sys\nsys.path[:0] = ['benchmarks', '.']\n"
    code += f"for name in {names!r}: importlib.import_module(name)"
    assert len(names) > 10 and run_python(code) == ""


def test_all_packages_share_one_parent_folder() -> None:
    parents = {Path(str(importlib.import_module(name).__file__)).resolve().parents[1] for name in PACKAGES}
    assert parents == {ROOT}


def test_search_space_never_imports_torch() -> None:
    modules = [name for name in MODULES if name.split(".")[0] == "search_space"]
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\nprint('torch' in sys.modules)"
    )
    assert run_python(code).strip() == "False"


def test_importing_everything_does_nothing_else() -> None:
    code = f"""
import importlib, os, random, signal, threading
import numpy, sklearn.ensemble, sklearn.inspection, scipy.stats, torch, torch_geometric  # not ours
def state():
    return (torch.initial_seed(), torch.get_rng_state().tolist(), random.getstate(), repr(numpy.random.get_state()),
            torch.get_num_threads(), torch.get_default_dtype(), dict(os.environ), os.getcwd(), threading.active_count(),
            signal.getsignal(signal.SIGINT), torch.is_grad_enabled())
before = state()
for name in {MODULES!r}:
    importlib.import_module(name)
print(state() == before, torch.cuda.is_initialized())
"""
    assert run_python(code).split() == ["True", "False"]


@pytest.mark.parametrize("kind", sorted(registry.PROVIDERS))
def test_every_option_says_what_it_is_and_where_it_comes_from(kind: str) -> None:
    known = registry.options(kind)
    assert known
    for name, option in known.items():
        assert len(option.source.strip()) >= 5, f"{kind} {name}: no source"
        assert len(option.summary) >= 10, f"{kind} {name}: no docstring"
        assert option.target.__module__.startswith(registry.PROVIDERS[kind] + ".")


def test_every_error_class_is_one_of_the_user() -> None:
    defined = {
        (node.name, "UserError" in [ast.unparse(base) for base in node.bases])
        for path in FILES
        if path.relative_to(ROOT).parts[0] in PACKAGES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    }
    assert len(defined) > 12 and {name for name, ours in defined if not ours} == INTERNAL_ERRORS
