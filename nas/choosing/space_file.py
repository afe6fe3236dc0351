"""A search space that the user names: one that comes with the software, a YAML or JSON file, or choices in memory."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compute.paths import PathError, user_path
from compute.yaml_file import LARGEST, YamlFileError, read_yaml
from nas.errors import OptionError
from search_space.registry import unknown_name
from search_space.sentences import count_text, shown
from search_space.space import SPACES, Regions, Space, SpaceError, read_space

SpaceName = str | os.PathLike[str] | Mapping[str, Any] | Space
_EXPONENT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+")


def named_space(space: SpaceName) -> Space:
    """Return the space that a name, a path, a mapping of cells or of regions, or a `Space` stands for.

    Raises:
        OptionError: If there is no such space or file, or the file cannot be read.
        SpaceError: If what it holds is no search space.
    """
    if isinstance(space, Space):
        return space
    if isinstance(space, Mapping):
        return read_space(_numbers(dict(space)))
    if isinstance(space, str) and space in SPACES:
        return SPACES[space]()
    try:
        path = user_path(space)
    except PathError as error:
        raise OptionError(f"space: {error}") from error
    if not path.exists():
        raise OptionError(f"space: no such file, and {unknown_name('space', str(space), tuple(SPACES))}")
    content = _content(path)
    try:
        return read_space(content)
    except SpaceError as error:
        raise SpaceError("\n".join(f"space {path}: {line}" for line in str(error).split("\n"))) from None


def space_text(space: Space, *, as_json: bool = False) -> str:
    """Return a space as the YAML or JSON that `named_space` reads: a line per field, all of them."""
    if as_json:
        return _json(_written(space)) + "\n"
    import yaml

    size = count_text(space.canonical_size()["total"])
    head = f"# {size} different genotypes; what is left out here is as in the default space\n"
    text: str = yaml.safe_dump(_written(space), default_flow_style=None, sort_keys=False, width=120)
    return head + text


def _written(space: Space) -> dict[str, Any]:
    """Return a space as plain dicts and lists, genes that are as usual included."""
    if isinstance(space, Regions):
        regions = {name: {"share": share, **_written(own)} for name, (own, share) in space.regions.items()}
        return {"regions": regions}
    return {cell: {name: list(values) for name, values in fields.items()} for cell, fields in space.choices.items()}


def _json(content: Any, indent: str = "") -> str:
    """Return JSON with a line for whatever is no mapping."""
    if not isinstance(content, dict):
        return json.dumps(content)
    inner = f"{indent} "
    lines = ",\n".join(f"{inner}{json.dumps(name)}: {_json(value, inner)}" for name, value in content.items())
    return f"{{\n{lines}\n{indent}}}"


def _content(path: Path) -> Any:
    """Return what a file holds.

    Raises:
        OptionError: If it cannot be read.
    """
    try:
        return _numbers(_read_json(path) if path.suffix.lower() == ".json" else read_yaml(path))
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())
        raise OptionError(f"space {path}: cannot be read ({why})") from error


def _read_json(path: Path) -> Any:
    def different(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            names = [name for name, _ in pairs]
            raise YamlFileError(f"the key {shown(max(names, key=names.count))} stands twice")
        return content

    content = path.read_bytes()[: LARGEST + 1]
    if len(content) > LARGEST:
        raise YamlFileError(f"larger than {LARGEST >> 20} MiB")
    return json.loads(content.decode("utf-8-sig"), object_pairs_hook=different)


def _numbers(content: Any) -> Any:
    """Return the content with numbers such as 1e-3 as numbers; to YAML 1.1 they are texts."""
    if isinstance(content, dict):
        return {name: _numbers(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_numbers(value) for value in content]
    return float(content) if isinstance(content, str) and _EXPONENT.fullmatch(content) else content
