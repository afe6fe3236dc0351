"""YAML and JSON files of settings: read without recursion, aliases or tags, so that a small file stays small."""

from pathlib import Path
from typing import Any

import yaml

from compute.user_error import USAGE, UserError

LARGEST = 2**20  # bytes; the parser needs seconds for a megabyte
DEEPEST = 20


class YamlFileError(UserError, ValueError):
    """A file that cannot be read as plain YAML; the message says why, without the file's name."""

    exit_status = USAGE


def read_yaml(path: Path) -> Any:
    """Return what a YAML or JSON file holds: mappings, lists, text, numbers, truth values and dates.

    Anchors with aliases are refused (a few lines of them can stand for gigabytes), and so are tags and keys that
    stand twice in a mapping.

    Raises:
        YamlFileError: If the file is too large or too deep, has aliases, tags or doubled keys, or is no YAML.
        OSError: If it cannot be read.
    """
    content = path.read_bytes()[: LARGEST + 1]
    if len(content) > LARGEST:
        raise YamlFileError(f"larger than {LARGEST >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
        _check_events(text)
        return yaml.safe_load(text)
    except YamlFileError:
        raise
    # numbers of thousands of digits and dates that do not exist are no YAMLError
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise YamlFileError(" ".join(str(error).split())) from error


def _check_events(text: str) -> None:
    open_: list[_Collection] = []
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = f"line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent):
            raise YamlFileError(f"{place}: aliases (*{event.anchor}) are not read; write the value out")
        if getattr(event, "tag", None) is not None:
            raise YamlFileError(f"{place}: tags ({event.tag}) are not read")
        if open_ and isinstance(event, yaml.NodeEvent) and open_[-1].repeats(event):
            raise YamlFileError(f"{place}: the key {event.value[:40]!r} stands twice")
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append(_Collection(is_mapping=isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            open_.pop()
        if len(open_) > DEEPEST:
            raise YamlFileError(f"{place}: nested deeper than {DEEPEST} levels")


class _Collection:
    """A list or mapping that is being read."""

    def __init__(self, *, is_mapping: bool) -> None:
        self._is_mapping, self._keys, self._at_key = is_mapping, set[str](), True

    def repeats(self, event: yaml.NodeEvent) -> bool:
        """Take the next node of it; return whether that is a key that was there before."""
        is_key = self._is_mapping and self._at_key
        self._at_key = not self._at_key
        if not is_key or not isinstance(event, yaml.ScalarEvent):
            return False
        known = event.value in self._keys
        self._keys.add(event.value)
        return known
