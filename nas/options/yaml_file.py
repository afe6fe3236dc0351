"""YAML and JSON files of settings: read without recursion, aliases or tags, so that a small file stays small."""

from pathlib import Path
from typing import Any, NoReturn

import yaml

from compute.user_error import USAGE, UserError
from search_space.sentences import shown

LARGEST = 2**20  # bytes; the parser needs seconds for a megabyte
DEEPEST = 20


class YamlFileError(UserError, ValueError):
    """A file that cannot be read as plain YAML; the message says why, without the file's name."""

    exit_status = USAGE


def read_yaml(path: Path) -> Any:
    """Return what a YAML or JSON file holds: mappings, lists, text, numbers, truth values and dates.

    Anchors with aliases are refused (a few lines of them can stand for gigabytes), and so are tags and names given
    twice, of which only one could hold.

    Raises:
        YamlFileError: If the file is too large or too deep, has aliases, tags or a name twice in a mapping, or is no
            YAML.
        OSError: If it cannot be read.
    """
    content = path.read_bytes()[: LARGEST + 1]
    if len(content) > LARGEST:
        raise YamlFileError(f"larger than {LARGEST >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
        _check_events(text)
        return yaml.load(text, Loader=_Loader)  # a safe one
    except YamlFileError:
        raise
    # numbers of thousands of digits and dates that do not exist are no YAMLError
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise YamlFileError(" ".join(str(error).split())) from error


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """The safe loader, which does not take the last of two values of a name in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node."""
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            self._refuse_repeated(node)
        return mapping

    def _refuse_repeated(self, node: yaml.MappingNode) -> NoReturn:
        lines: dict[Any, int] = {}
        for name_node, _ in node.value:
            name, line = self.construct_object(name_node, deep=True), name_node.start_mark.line + 1
            if name in lines:
                raise YamlFileError(f"line {line}: {shown(name)} is given already in line {lines[name]}")
            lines[name] = line
        raise AssertionError("fewer names than nodes")


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = f"line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent):
            raise YamlFileError(f"{place}: aliases (*{event.anchor}) are not read; write the value out")
        if getattr(event, "tag", None) is not None:
            raise YamlFileError(f"{place}: tags ({event.tag}) are not read")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise YamlFileError(f"{place}: nested deeper than {DEEPEST} levels")
