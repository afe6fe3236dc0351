"""A trained encoder on disk: safetensors weights with everything needed to use them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from compute.paths import user_path
from downstream.kinds import KINDS
from downstream.predictor import LONGEST_WINDOW
from downstream.scaling import Scaler
from downstream.task import Identity, Task
from encoders.encoder import Encoder
from nas.runs.whole_file import write_whole
from nas.saved.tensor_file import SavedEncoderError, build_with, checked_names, file_of, read_facts
from nas.version import PROTOCOL_VERSION
from search_space.genotype import Genotype, GenotypeError

SCHEMA = 1


@dataclass(frozen=True)
class SavedEncoder:
    """An encoder and the facts that travel with it.

    Args:
        encoder: In evaluation mode.
        genotype: What it was built and trained from.
        variates: Names of the input columns, in order.
        window: Time steps that it saw at a time in training.
        kind: Kind of the task it was found for.
        task_name: Name of that task.
        scaler: Mean and deviation of its training rows, per series and variate.
        rng_seed: Of its training.
        identity: Names by which its training data is known again.
        question: What was asked of the data beside its kind, as arguments of `load_task`.
    """

    encoder: Encoder
    genotype: Genotype
    variates: tuple[str, ...]
    window: int
    kind: str
    task_name: str
    scaler: Scaler
    rng_seed: int
    identity: Identity = field(default_factory=Identity)
    question: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write the encoder as `save_encoder` does."""
        _, *facts = (getattr(self, each.name) for each in fields(self))  # all but the encoder
        write_whole(user_path(path), _file(self.encoder.state_dict(), *facts))

    def encoder_for(self, variates: Sequence[str], *, has_names: bool) -> Encoder:
        """Return the encoder for data with other variates.

        Args:
            variates: Of the data, those of training in their order where it has them all.
            has_names: Whether these are names of its own, which say what each variate is.

        Raises:
            SavedEncoderError: If the encoder mixes its variates and so needs exactly those of its training.
        """
        trained = self.variates
        mismatch = len(variates) != len(trained)
        if not self.encoder.independent and (mismatch or (has_names and self.other_names(variates))):
            raise SavedEncoderError(
                f"the data has the variates {_listed(variates)}, but the encoder mixes exactly {len(trained)}: "
                f"{_listed(trained)}; give the data these columns, or say by --variates which of its own stand for them"
            )
        if not mismatch:
            return self.encoder
        n_variates = len(variates)
        encoder = Encoder(self.genotype.encoder, variates=n_variates)
        encoder.load_state_dict(self.encoder.state_dict())
        return encoder.eval()

    def other_names(self, variates: Sequence[str]) -> bool:
        """Whether these are not the names of training, where that had any."""
        named = self.identity.columns  # a protocol may have added calendar columns behind them
        return bool(named) and tuple(variates)[: len(named)] != named

    def asked(self, kind: str) -> dict[str, Any]:
        """Return arguments of `load_task` with which other data is read, and asked, as that of training was."""
        return {"known": self.identity.columns or None, **(self.question if kind == self.kind else {})}

    def untrained(self, n_variates: int) -> Encoder:
        """Return the encoder as it was before training; what was fitted stays as it was fitted."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.rng_seed)
            encoder = Encoder(self.genotype.encoder, variates=n_variates)
        encoder.refit(self.encoder)
        return encoder.eval()


def save_encoder(
    path: str | Path, weights: Mapping[str, Tensor], *, genotype: Genotype, task: Task, rng_seed: int
) -> None:
    """Write weights and facts to one file, complete or not at all."""
    write_whole(user_path(path), encoder_file(weights, genotype=genotype, task=task, rng_seed=rng_seed))


def encoder_file(weights: Mapping[str, Tensor], *, genotype: Genotype, task: Task, rng_seed: int) -> bytes:
    """Return what `save_encoder` writes."""
    spec, scaler = task.spec, task.scaler
    facts = (genotype, task.variates, spec.window, spec.kind, spec.name, scaler, rng_seed, task.identity, task.question)
    return _file(weights, *facts)


def _file(
    weights: Mapping[str, Tensor],
    genotype: Genotype,
    variates: tuple[str, ...],
    window: int,
    kind: str,
    task_name: str,
    scaler: Scaler,
    rng_seed: int,
    identity: Identity,
    question: Mapping[str, Any],
) -> bytes:
    facts = {
        "schema": SCHEMA,
        "protocol_version": PROTOCOL_VERSION,
        "torch": torch.__version__,
        "genotype": genotype.to_dict(),
        "variates": list(variates),
        "window": window,
        "kind": kind,
        "task": task_name,
        "scaler": {
            "mean": scaler.mean.tolist(),
            "deviation": scaler.deviation.tolist(),
            "n_rows_seen": scaler.n_rows_seen,
        },
        "rng_seed": rng_seed,
        "identity": identity.facts,
        "question": dict(question),
    }
    return file_of(weights, facts)


def load_encoder(path: str | Path) -> SavedEncoder:
    """Read an encoder that `save_encoder` wrote; nothing in the file is ever executed.

    Args:
        path: The file, or a run folder that holds `encoder.safetensors`.

    Raises:
        SavedEncoderError: If the file is missing, is something else, holds an unknown operator, or does not fit.
    """
    path = user_path(path)
    if path.is_dir():
        path = path / "encoder.safetensors"
        if path.is_symlink():
            raise SavedEncoderError(f"{path} is a link; the encoder of a folder must lie in it")
    facts, weights = read_facts(path, what="encoder")
    if facts.get("schema") != SCHEMA:
        raise SavedEncoderError(f"{path}: schema {facts.get('schema')!r} is not known (known: {SCHEMA})")
    try:
        genotype = Genotype.from_dict(facts["genotype"])
        variates = checked_names(facts["variates"], what="variates")
        encoder = build_with(weights, lambda: Encoder(genotype.encoder, variates=len(variates)))
        scaler = Scaler(
            mean=np.asarray(facts["scaler"]["mean"], dtype=np.float64),
            deviation=np.asarray(facts["scaler"]["deviation"], dtype=np.float64),
            n_rows_seen=int(facts["scaler"]["n_rows_seen"]),
        )
        _check_facts(facts, scaler=scaler)
        return SavedEncoder(
            encoder=encoder,
            genotype=genotype,
            variates=variates,
            window=int(facts["window"]),
            kind=facts["kind"],
            task_name=facts["task"],
            scaler=scaler,
            rng_seed=int(facts["rng_seed"]),
            identity=_identity(facts, scaler=scaler),
            question=_question(dict(facts.get("question", {}))),
        )
    except GenotypeError as error:
        raise SavedEncoderError(
            f"{path}: its genotype cannot be built here: {'; '.join(str(error).splitlines())}"
        ) from error
    except KeyError as error:
        raise SavedEncoderError(f"{path}: the fact {error} is missing, so this is no saved encoder") from error
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise SavedEncoderError(f"{path}: weights and genotype do not fit ({str(error).splitlines()[0]})") from error


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"


def _identity(facts: Mapping[str, Any], *, scaler: Scaler) -> Identity:
    identity = Identity.from_facts(dict(facts.get("identity", {})))
    if identity.series and len(identity.series) != len(scaler.mean):
        raise ValueError("there must be one series id per row of the scaler")
    return identity


def _question(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked, checked: forecast lengths, and the number of targets."""
    horizons = list(facts.get("horizons", []))
    whole = [*horizons, *(value for name, value in facts.items() if name != "horizons")]
    if not facts.keys() <= {"horizons", "known_targets"} or not all(type(v) is int and v >= 1 for v in whole):
        raise ValueError("question must hold horizons and known_targets, whole numbers")
    return {**facts, **({"horizons": tuple(horizons)} if horizons else {})}


def _check_facts(facts: Mapping[str, Any], *, scaler: Scaler) -> None:
    whole = {name: facts[name] for name in ("window", "rng_seed")}
    if not all(isinstance(value, int) and 0 <= value < 2**63 for value in whole.values()):
        raise ValueError("window and rng_seed must be whole numbers")
    if not 1 <= facts["window"] <= LONGEST_WINDOW:
        raise ValueError(f"window must be in 1..{LONGEST_WINDOW}")
    if facts["kind"] not in KINDS or not isinstance(facts["task"], str):
        raise ValueError("kind and task must name a kind of task and a task")
    mean, deviation = scaler.mean, scaler.deviation
    if mean.ndim != 2 or mean.shape != deviation.shape or not np.isfinite(mean).all():
        raise ValueError("mean and deviation must be finite numbers per series and variate")
    if not np.isfinite(deviation).all() or not (deviation > 0).all():
        raise ValueError("deviation must be greater than 0")
