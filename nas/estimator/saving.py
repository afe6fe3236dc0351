"""A fitted estimator on disk: a folder with its encoder, predictor, ranking and facts; nothing is pickled."""

from __future__ import annotations

import json
import os
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from compute.paths import user_path
from nas.estimator.parameters import draws, plain_parameters
from nas.runs.folder import RunFolder
from nas.saved.encoder import load_encoder
from nas.saved.predictor import load_predictor, save_predictor
from nas.saved.tensor_file import SavedEncoderError

EstimatorT = TypeVar("EstimatorT")
_FACTS = ("scores_", "result_text_", "n_features_in_", "_n_features_out")


def write_estimator(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator.

    Raises:
        OutputExistsError: If the folder holds something else.
    """
    parameters = _json_parameters(estimator)
    folder = RunFolder(path, config={"estimator": parameters})
    folder.start()
    estimator.encoder_.save(folder.path / "encoder.safetensors")
    save_predictor(folder.path / "predictor.safetensors", estimator.predictor_, kind=estimator.kind)
    folder.write_text("ranking.csv", estimator.ranking_.to_csv(index=False))
    names = getattr(estimator, "feature_names_in_", None)
    facts = {name: getattr(estimator, name) for name in _FACTS}
    facts["feature_names_in_"] = None if names is None else names.tolist()
    folder.write_json("estimator.json", {"parameters": parameters, "attributes": facts})


def read_estimator(cls: type[EstimatorT], path: str | os.PathLike[str]) -> EstimatorT:
    """Return the estimator that `write_estimator` wrote.

    Raises:
        SavedEncoderError: If a file is missing or is something else.
    """
    folder = user_path(path)
    encoder = load_encoder(folder)
    try:
        content = json.loads((folder / "estimator.json").read_text(encoding="utf-8"))
        parameters, facts = content["parameters"], content["attributes"]
        horizons = parameters["horizons"]
        estimator: Any = cls(**{**parameters, "horizons": tuple(horizons) if isinstance(horizons, list) else horizons})
        for name in _FACTS:
            setattr(estimator, name, facts[name])
        if facts["feature_names_in_"] is not None:
            estimator.feature_names_in_ = np.asarray(facts["feature_names_in_"], dtype=object)
        estimator.ranking_ = pd.read_csv(folder / "ranking.csv")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SavedEncoderError(f"{folder}: not the folder of a saved estimator ({error})") from error
    estimator.encoder_, estimator.best_genotype_ = encoder, encoder.genotype
    estimator.predictor_ = load_predictor(folder / "predictor.safetensors", kind=str(estimator.kind))
    if estimator.predictor_.classes is not None:
        estimator.classes_ = estimator.predictor_.classes
    fitted: EstimatorT = estimator
    return fitted


def _json_parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters as JSON values; a generator is the number that it gave."""
    given = estimator.get_params(deep=False)
    state = given["random_state"]
    if draws(state):
        return plain_parameters({**given, "random_state": None, "rng_seed": estimator.encoder_.rng_seed})
    plain = plain_parameters({**given, "random_state": None})
    return {**plain, "random_state": state if state is None else int(state)}
