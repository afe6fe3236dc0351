"""A genotype that the user names: a preset, a JSON file, or the folder of a search."""

import json
from pathlib import Path

from nas.errors import OptionError
from search_space.genotype import Genotype
from search_space.presets import NAMED, preset
from search_space.registry import unknown_name


def read_genotype(path: Path, *, what: str) -> Genotype:
    """Read a genotype from a JSON file, or from `genotype.json` in a folder.

    Args:
        path: The file or folder.
        what: The option that named it, for the error.

    Raises:
        OptionError: If the file is missing or holds no JSON.
        GenotypeError: If what it holds is no genotype.
    """
    file = path / "genotype.json" if path.is_dir() else path
    if file != path and file.is_symlink():
        raise OptionError(f"{what} {file}: a link; the genotype of a folder must lie in it")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise OptionError(f"{what} {file}: not a readable JSON file ({error})") from error
    return Genotype.from_dict(content)


def named_genotype(name: str, *, kind: str | None) -> Genotype:
    """Return the genotype of a preset (in its form for this kind of task), of a file or of a folder.

    Raises:
        OptionError: If there is no such preset, file or folder.
        GenotypeError: If what the file holds is no genotype.
    """
    if name in NAMED:
        return preset(name, kind=kind)
    path = Path(name)
    if not path.exists():
        raise OptionError(f"genotype: no such file or folder, and {unknown_name('preset', name, tuple(NAMED))}")
    return read_genotype(path, what="genotype")
