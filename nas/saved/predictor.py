"""What predicts with an encoder, on disk: the facts and tensors of a kind's probe, nothing pickled."""

from dataclasses import dataclass
from pathlib import Path

from downstream.kinds import task_kind
from downstream.predictor import Predictor
from nas.runs.whole_file import write_whole
from nas.saved.tensor_file import SavedEncoderError, file_of, read_facts

SCHEMA = 2


@dataclass(frozen=True)
class Use:
    """The command that answers with a predictor: its verb, the file that it writes, what that holds."""

    verb: str
    output: str
    text: str


USES = {
    "forecasting": Use("forecast", "forecast.csv", "the steps after the end of any data of this shape"),
    "anomaly": Use("detect", "anomalies.csv", "a score and a flag for each time step of it"),
    "classification": Use("predict", "predictions.csv", "the class of each case of any data of this shape"),
    "regression": Use("predict", "predictions.csv", "the number that belongs to each case of any data of this shape"),
}
"""By kind of task; `tscnas predict` answers with every one."""


def save_predictor(path: Path, predictor: Predictor, *, kind: str) -> None:
    """Write a fitted probe of a kind of task to one file, complete or not at all."""
    write_whole(path, predictor_file(predictor, kind=kind))


def predictor_file(predictor: Predictor, *, kind: str) -> bytes:
    """Return what `save_predictor` writes."""
    return file_of(predictor.tensors, {"schema": SCHEMA, "kind": kind, **predictor.facts})


def load_predictor(path: Path, *, kind: str | None = None) -> Predictor:
    """Read what `save_predictor` wrote.

    Args:
        path: The file.
        kind: The kind of task that it must be for; None for any.

    Raises:
        SavedEncoderError: If the file is missing, something else, or for another kind.
    """
    facts, tensors = read_facts(path, what="predictor")
    schema, saved_kind = facts.pop("schema", None), facts.pop("kind", None)
    if schema != SCHEMA:
        raise SavedEncoderError(f"{path}: schema {schema!r} is not known (known: {SCHEMA})")
    if kind not in (None, saved_kind):
        raise SavedEncoderError(f"{path}: the encoder is for {kind}, the predictor is not")
    try:
        predictor: Predictor = task_kind(saved_kind).restore_predictor(facts, tensors)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SavedEncoderError(f"{path}: not a saved predictor ({error})") from error
    return predictor
