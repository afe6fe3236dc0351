"""What the folder of an encoder says beside the encoder's own file: how data is written, or why there is no encoder."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from compute.paths import user_path
from downstream.data.options import TableForm
from nas.saved.tensor_file import SavedEncoderError

CONFIG, ANSWER, ESTIMATOR = "config.json", "run.json", "estimator.json"


def json_of(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file.

    Raises:
        SavedEncoderError: If the file is missing or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SavedEncoderError(f"{path}: cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise SavedEncoderError(f"{path}: it must hold a JSON object")
    return content


def options_of(folder: Path) -> dict[str, Any]:
    """Return the options of the search that wrote a folder; none where no search did.

    Raises:
        SavedEncoderError: If its configuration cannot be read.
    """
    options = json_of(folder / CONFIG).get("options") if (folder / CONFIG).is_file() else None
    return options if isinstance(options, dict) else {}


def reading_of(path: str | Path) -> dict[str, Any]:
    """Return how the tables of training were written, as arguments of `load_task`, where that is told.

    Args:
        path: The folder of a search or of `ContrastiveNAS.save`; an encoder's file by itself tells nothing.

    Raises:
        SavedEncoderError: If what the folder says cannot be read.
    """
    folder = user_path(path)
    if not folder.is_dir():
        return {}
    told: Any = options_of(folder)
    if (folder / ESTIMATOR).is_file():
        parameters = json_of(folder / ESTIMATOR).get("parameters")
        told = parameters.get("table_form") if isinstance(parameters, dict) else None
    told = told if isinstance(told, Mapping) else {}
    form = {each.name: told[each.name] for each in fields(TableForm) if told.get(each.name)}
    try:
        if not all(value is True if name == "no_header" else isinstance(value, str) for name, value in form.items()):
            raise ValueError("it must hold texts")
        TableForm(**form)
    except ValueError as error:
        raise SavedEncoderError(f"{folder}: how its data was written cannot be read ({error})") from error
    return form


def why_incomplete(folder: Path) -> str:
    """Return why a folder holds not all that a search hands over, in words that say what to do.

    Raises:
        SavedEncoderError: If its configuration cannot be read.
    """
    options = options_of(folder)
    if not options:
        return "it is no folder of a search, nor of ContrastiveNAS.save"
    if "estimator" in options:
        return "ContrastiveNAS.save was interrupted; save it again"
    if not (folder / ANSWER).is_file():
        return f"its search is not finished; the same command goes on with it, and tscnas status {folder} tells how far"
    if options.get("zero_shot"):
        return (
            "its search stopped after the ranking (--zero-shot), so nothing is trained; "
            f"tscnas search DATA --genotype {folder} trains what it ranked first"
        )
    return "the file is missing from this folder of a search"
