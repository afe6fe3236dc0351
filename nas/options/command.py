"""The command line that stands for options as a run keeps them."""

import shlex
from collections.abc import Mapping
from typing import Any

from nas.options.fields import settings_of
from nas.options.search import SearchOptions, set_by

_NOT_ASKED_AGAIN = ("overwrite", "dry_run", "quiet")


def search_command(options: Mapping[str, Any], *, space: str | None) -> str:
    """Return the `tscnas search` that asks for the same; empty where no command can, as for data in memory.

    Args:
        options: By name; `config.json` of a run holds them.
        space: The name of the space or its file; choices that were given in place of a file have the name `given`, and
            stand as `FILE`.
    """
    if not isinstance(options.get("data"), str):
        return ""
    words, by_effort = ["tscnas", "search"], set_by(options.get("effort"))
    for name, setting in settings_of(SearchOptions).items():
        value = options.get(name) if name != "space" else "FILE" if space == "given" else space
        default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
        default = by_effort.get(name, default)
        if value is None or name in _NOT_ASKED_AGAIN or (value == default and not setting.positional):
            continue
        if setting.positional:
            words.insert(2, shlex.quote(str(value)))
        elif setting.kind is bool:
            words.append(f"--{setting.dashed}" if value or name.startswith("no_") else f"--no-{setting.dashed}")
        else:
            text = ",".join(map(str, value)) if setting.many else f"{value:.12g}" if isinstance(value, float) else value
            words.append(f"--{setting.dashed} {shlex.quote(str(text))}")
    return " ".join(words)
