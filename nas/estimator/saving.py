"""A fitted estimator on disk: the folder of a search is one, and `save` writes the same; nothing is pickled."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from compute.paths import user_path
from nas.estimator.parameters import draws, plain_parameters
from nas.estimator.settings import Parameters
from nas.runs.folder import RunFolder
from nas.runs.whole_file import write_whole_text
from nas.saved.encoder import SavedEncoder, load_encoder
from nas.saved.predictor import load_predictor, save_predictor
from nas.saved.run_folder import ANSWER, ESTIMATOR, json_of, options_of, reading_of, why_incomplete
from nas.saved.tensor_file import SavedEncoderError
from search_space.space import SPACES

EstimatorT = TypeVar("EstimatorT")
PREDICTOR, RANKING = "predictor.safetensors", "ranking.csv"
_PLACES = ("device", "output", "overwrite", "bank", "tensorboard", "quiet")
"""Parameters that say where a search worked and wrote: another one would do so elsewhere."""


def write_estimator(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator.

    Raises:
        OutputExistsError: If the folder holds something else.
    """
    folder = RunFolder(path, config={"estimator": _json_parameters(estimator)})
    folder.start()
    estimator.encoder_.save(folder.path / "encoder.safetensors")
    if hasattr(estimator, "predictor_"):
        save_predictor(folder.path / PREDICTOR, estimator.predictor_, kind=estimator.kind)
    folder.write_text(RANKING, estimator.ranking_.to_csv(index=False))
    write_parameters(estimator, folder.path)


def write_parameters(estimator: Any, folder: Path) -> None:
    """Write what a folder with everything else lacks: the parameters, and what the estimator says of its search."""
    facts = {"scores_": estimator.scores_, "result_text_": estimator.result_text_}
    content = {"parameters": _json_parameters(estimator), "attributes": facts}
    write_whole_text(folder / ESTIMATOR, json.dumps(content, indent=2) + "\n")


def read_estimator(cls: type[EstimatorT], path: str | os.PathLike[str]) -> EstimatorT:
    """Return the estimator of a folder that `write_estimator` or a search wrote; it may lack what predicts.

    Raises:
        SavedEncoderError: If the folder is no such folder, its search is not finished, or a file is damaged.
    """
    folder = user_path(path)
    encoder = load_encoder(folder)
    folder = folder if folder.is_dir() else folder.parent
    if not any((folder / name).is_file() for name in (ESTIMATOR, ANSWER)):
        raise SavedEncoderError(f"{folder}: not the folder of a fitted estimator: {why_incomplete(folder)}")
    try:
        content = _of_estimator(folder) if (folder / ESTIMATOR).is_file() else _of_search(folder, encoder)
        parameters = {name: tuple(value) if isinstance(value, list) else value for name, value in content[0].items()}
        estimator: Any = cls(**parameters)
        estimator.scores_, estimator.result_text_ = content[1], content[2]
        estimator.ranking_ = pd.read_csv(folder / RANKING)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SavedEncoderError(f"{folder}: not the folder of a fitted estimator ({error})") from error
    estimator.encoder_, estimator.best_genotype_ = encoder, encoder.genotype
    if (folder / PREDICTOR).exists():
        estimator.predictor_ = load_predictor(folder / PREDICTOR, kind=encoder.kind)
    estimator._name_data()
    fitted: EstimatorT = estimator
    return fitted


def _of_estimator(folder: Path) -> tuple[dict[str, Any], dict[str, float], str]:
    """Return parameters, scores and text as `write_parameters` wrote them."""
    content = json_of(folder / ESTIMATOR)
    facts = content["attributes"]
    return content["parameters"], facts["scores_"], facts["result_text_"]


def _of_search(folder: Path, encoder: SavedEncoder) -> tuple[dict[str, Any], dict[str, float], str]:
    """Return the same of the folder of a search: parameters that ask what it asked, of data as it read it."""
    options, facts = options_of(folder), json_of(folder / ANSWER)
    known = {name: options[name] for name in Parameters().get_params() if name in options and name not in _PLACES}
    space = facts.get("space") or {"name": "default"}
    parameters = {
        **known,
        "kind": encoder.kind,
        "horizons": options.get("horizons") or encoder.question.get("horizons"),
        **{name: options.get(name) or None for name in ("target", "variates")},
        "table_form": reading_of(folder) or None,
        "space": space["name"] if space["name"] in SPACES else space["choices"],
        "svm": options.get("svm") is not False,  # None stands for yes, see `SearchRun`
    }
    answer = folder / "answer.txt"
    text = answer.read_text(encoding="utf-8").removesuffix("\n") if answer.is_file() else ""
    return parameters, {row["method"]: row["value"] for row in facts["rows"]}, text


def _json_parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters as JSON values; a generator is the number that it gave."""
    given = estimator.get_params(deep=False)
    state = given["random_state"]
    if draws(state):
        return plain_parameters({**given, "random_state": None, "rng_seed": estimator.encoder_.rng_seed})
    plain = plain_parameters({**given, "random_state": None})
    return {**plain, "random_state": state if state is None else int(state)}
