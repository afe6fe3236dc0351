"""From a run folder and new data to what a predictor is asked."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compute.user_error import UserError
from downstream.data.loading import load_plain_series
from downstream.data.raw import SeriesSet
from downstream.predictor import Series
from nas.errors import OptionError, OutputExistsError
from nas.options.using.predicting import PredictingOptions
from nas.representer import Representer
from nas.saved.encoder import SavedEncoder, load_encoder
from nas.saved.matching import only_known, scaled
from nas.saved.predictor import USES, load_predictor
from nas.saved.run_folder import reading_of
from nas.saved.tensor_file import SavedEncoderError
from nas.training.devices import pick_device

_DAMAGE = (RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError)


@dataclass(frozen=True)
class Fitted:
    """What a search handed over: an encoder and what predicts with it.

    Args:
        encoder: The encoder with its facts.
        predictor: Of the kind of task that the search was for.
        file: Where the predictor lies.
        reading: How new tables are read, as arguments of `load_plain_series`; as in training unless told otherwise.
    """

    encoder: SavedEncoder
    predictor: Any
    file: Path
    reading: Mapping[str, Any]

    @contextlib.contextmanager
    def fitting(self) -> Iterator[None]:
        """Say inside the block, of whatever cannot be computed, that the two files do not fit each other.

        Raises:
            SavedEncoderError: If they do not; a file may hold any numbers.
        """
        try:
            yield
        except _DAMAGE as error:
            if isinstance(error, UserError):
                raise
            why = str(error).strip().split("\n")[0]
            raise SavedEncoderError(f"{self.file}: it does not fit the encoder beside it ({why})") from error


def fitted(options: PredictingOptions, *, kind: str | None = None) -> Fitted:
    """Return what a run folder holds for a kind of task; None for any.

    Raises:
        OutputExistsError: If the output exists and may not be replaced.
        SavedEncoderError: If a file is missing, or is something else.
        OptionError: If the run is for another kind of task.
    """
    if Path(options.output).exists() and not options.overwrite:
        raise OutputExistsError(f"{options.output} exists; choose another --output or pass --overwrite")
    folder = Path(options.run)
    encoder = load_encoder(folder)
    if kind not in (None, encoder.kind):
        verb = USES[encoder.kind].verb
        raise OptionError(
            f"{options.run}: the run is for {encoder.kind}, so it cannot {USES[str(kind)].verb}; "
            f"tscnas {verb} answers with it"
        )
    file = (folder if folder.is_dir() else folder.parent) / "predictor.safetensors"
    if not file.exists():
        raise SavedEncoderError(
            f"{folder}: there is no predictor.safetensors beside the encoder: the search is of an earlier version, or "
            "could not fit it; run it again with --overwrite, or with a larger --time-budget"
        )
    if file.is_symlink():
        raise SavedEncoderError(f"{file} is a link; the predictor of a folder must lie in it")
    reading = {**reading_of(folder), **options.tables}
    return Fitted(encoder, load_predictor(file, kind=encoder.kind), file, reading)


def asked(options: PredictingOptions, found: Fitted) -> tuple[SeriesSet, Series, Representer]:
    """Return new data with the columns of training, its series scaled, and the encoder in use.

    Raises:
        DataError: If the data is at fault, or has other columns.
        OptionError: If the run followed a protocol that adds columns to the data.
    """
    saved = found.encoder
    chosen = options.variates or None
    tables = {**found.reading, "variates": chosen, "known": saved.identity.columns or None}
    data = load_plain_series(options.data, kind=saved.kind, **tables)
    data = only_known(data, saved, by_place=chosen is not None)
    encoder = saved.encoder_for(data.variates, has_names=data.has_names and chosen is None)
    device = pick_device(options.device)
    return data, tuple(scaled(data, saved)), Representer(encoder.to(device), device=device)
