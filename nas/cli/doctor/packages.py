"""Whether what we need is installed, new enough, and not hidden by a file of the same name."""

import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import all_suffixes
from pathlib import Path

from nas.cli.doctor.check import FAIL, OK, WARN, Check
from nas.version import PACKAGES

NAME = "ts-contrastive-nas"
HOME = Path(__file__).resolve().parents[3]
# where the name to import is not that of the package
_IMPORTED_AS = {"scikit-learn": "sklearn", "PyYAML": "yaml", "pyyaml": "yaml"}
_NOT_FOR_USERS = ("dev",)
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)[^;>=]*(?:>=\s*([0-9.]+))?[^;]*(?:;(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


@dataclass(frozen=True)
class Requirement:
    """A package that we need.

    Args:
        name: Of the package.
        least: Oldest version that will do; empty if any does.
        extra: The extra that needs it; empty if it is always needed.
    """

    name: str
    least: str
    extra: str

    @property
    def module(self) -> str:
        """What is imported of it."""
        return _IMPORTED_AS.get(self.name, self.name.replace("-", "_"))


def read_requirements(lines: Sequence[str]) -> list[Requirement]:
    """Return what an installed package's metadata asks for, without what is for developers alone."""
    needs = []
    for name, least, condition in (match.groups("") for line in lines if (match := _REQUIREMENT.match(line))):
        extra = _EXTRA.search(condition)
        needs.append(Requirement(name, least, extra[1] if extra else ""))
    return [need for need in needs if need.extra not in _NOT_FOR_USERS]


def requirements() -> list[Requirement]:
    """Return what this installation asks for; nothing where it is not installed."""
    return read_requirements(metadata.requires(NAME) or ()) if version_of(NAME) is not None else []


def check_versions() -> Iterator[Check]:
    """Yield Python, ourselves, and each package with its version."""
    yield Check("python", OK, f"{sys.version.split()[0]} at {sys.executable}")
    ours = version_of(NAME)
    if ours is None:
        advice = f"pip install -e {HOME}"
        yield Check(NAME, WARN, f"used from {HOME}, but not installed: its needs are not known", advice)
    else:
        yield Check(NAME, OK, f"{ours} at {HOME}")
    for need in requirements():
        yield _version(need)


def _version(need: Requirement) -> Check:
    version, wanted = version_of(need.name), f"{need.name}>={need.least}" if need.least else need.name
    install = f"pip install '{NAME}[{need.extra}]'" if need.extra else f"pip install '{wanted}'"
    if version is None and need.extra:
        return Check(need.name, OK, f"not installed; it is the extra {need.extra}: {install}")
    if version is None:
        return Check(need.name, FAIL, "not installed", install)
    if release(version) < release(need.least):
        text = f"{version} is too old, {need.least} or later is needed"
        return Check(need.name, FAIL, text, f"pip install '{wanted}'")
    return Check(need.name, OK, version + (f" (extra {need.extra})" if need.extra else ""))


def version_of(name: str) -> str | None:
    """Return the version of an installed package, None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def release(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, such as (2, 13) of `2.13.0+cpu`, without zeros at the end."""
    numbers = [int(part) for part in re.match(r"[0-9.]*", version)[0].split(".") if part]  # type: ignore[index]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def check_shadows() -> Check:
    """Check that nothing hides one of our packages or of those we need."""
    homes = {
        need.module: Path(str(metadata.distribution(need.name).locate_file("")))
        for need in requirements()
        if version_of(need.name) is not None
    }
    homes |= dict.fromkeys(PACKAGES, HOME)
    hiding, waiting = shadows(homes, path=sys.path, here=Path.cwd())
    if hiding:
        return Check("shadowed packages", FAIL, _sentence(hiding, "is"), "rename it, or start elsewhere")
    if waiting:
        advice = "rename it before you run Python scripts here"
        return Check("shadowed packages", WARN, f"{_sentence(waiting, 'would be')} for scripts in this folder", advice)
    return Check("shadowed packages", OK, "none here or on the path")


def shadows(
    homes: dict[str, Path], *, path: Sequence[str], here: Path
) -> tuple[list[tuple[str, Path]], list[tuple[str, Path]]]:
    """Return (name, file) of what hides a package, and of what would if `here` came first on the path.

    Args:
        homes: Name of a package -> the folder in which it lies.
        path: Folders in the order in which Python looks; an empty one is `here`.
        here: The current folder.
    """
    hiding: dict[str, Path] = {}
    folders = [(Path(place) if place else here).resolve() for place in path]
    for at, folder in enumerate(folders):
        for name, file in _modules(folder, homes).items():
            if homes[name].resolve() not in folders[: at + 1]:
                hiding.setdefault(name, file)
    waiting = {
        name: file
        for name, file in _modules(here, homes).items()
        if name not in hiding and homes[name].resolve() != here.resolve()
    }
    return sorted(hiding.items()), sorted(waiting.items())


def _modules(folder: Path, names: Collection[str]) -> dict[str, Path]:
    """Return what of these names can be imported from a folder; a folder without `__init__` hides nothing."""
    try:
        entries = sorted(folder.iterdir(), reverse=True)  # the first of a name stays
    except OSError:
        return {}  # a zip file, or nothing at all
    return {
        entry.name.split(".")[0]: entry
        for entry in entries
        if entry.name.split(".")[0] in names
        and (
            (entry.is_file() and entry.name.endswith(tuple(all_suffixes())))
            or (entry.name in names and (entry / "__init__.py").is_file())
        )
    }


def _sentence(hidden: Sequence[tuple[str, Path]], verb: str) -> str:
    return "; ".join(f"{name} {verb} hidden by {file}" for name, file in hidden)
