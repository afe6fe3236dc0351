"""A trained encoder on disk: safetensors weights with everything needed to use them again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from downstream.scaling import Scaler
from downstream.task import Task
from encoders.encoder import Encoder
from nas.version import PROTOCOL_VERSION
from search_space.genotype import Genotype, GenotypeError

SCHEMA = 1


class SavedEncoderError(ValueError):
    """A file that should hold a saved encoder does not."""


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
    """

    encoder: Encoder
    genotype: Genotype
    variates: tuple[str, ...]
    window: int
    kind: str
    task_name: str
    scaler: Scaler
    rng_seed: int

    def save(self, path: str | Path) -> None:
        """Write the encoder as `save_encoder` does."""
        facts = {name: getattr(self, name) for name in ("genotype", "variates", "window", "kind", "scaler", "rng_seed")}
        _write(Path(path), self.encoder.state_dict(), task_name=self.task_name, **facts)

    def encoder_for(self, n_variates: int) -> Encoder:
        """Return the encoder for data with another number of variates.

        Raises:
            SavedEncoderError: If the encoder mixes its variates and so needs exactly those of its training.
        """
        if n_variates == len(self.variates):
            return self.encoder
        if not self.encoder.independent:
            raise SavedEncoderError(
                f"the data has {n_variates} variates, but the encoder mixes exactly {len(self.variates)} "
                f"({', '.join(self.variates[:6])}{', ...' if len(self.variates) > 6 else ''})"
            )
        encoder = Encoder(self.genotype.encoder, variates=n_variates)
        encoder.load_state_dict(self.encoder.state_dict())
        return encoder.eval()

    def untrained(self, n_variates: int) -> Encoder:
        """Return the encoder as it was before training."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.rng_seed)
            return Encoder(self.genotype.encoder, variates=n_variates).eval()


def save_encoder(
    path: str | Path, weights: dict[str, Tensor], *, genotype: Genotype, task: Task, rng_seed: int
) -> None:
    """Write weights and facts to one file, complete or not at all."""
    _write(
        Path(path),
        weights,
        genotype=genotype,
        variates=task.variates,
        window=task.spec.window,
        kind=task.spec.kind,
        task_name=task.spec.name,
        scaler=task.scaler,  # type: ignore[attr-defined]  # every kind of task has one
        rng_seed=rng_seed,
    )


def _write(
    path: Path,
    weights: dict[str, Tensor],
    *,
    genotype: Genotype,
    variates: tuple[str, ...],
    window: int,
    kind: str,
    task_name: str,
    scaler: Scaler,
    rng_seed: int,
) -> None:
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
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    save_file({name: value.contiguous() for name, value in weights.items()}, partial, {"facts": json.dumps(facts)})
    partial.replace(path)


def load_encoder(path: str | Path) -> SavedEncoder:
    """Read an encoder that `save_encoder` wrote; nothing in the file is ever executed.

    Args:
        path: The file, or a run folder that holds `encoder.safetensors`.

    Raises:
        SavedEncoderError: If the file is missing, is something else, holds an unknown operator, or does not fit.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "encoder.safetensors"
    facts, weights = _read(path)
    if facts.get("schema") != SCHEMA:
        raise SavedEncoderError(f"{path}: schema {facts.get('schema')!r} is not known (known: {SCHEMA})")
    try:
        genotype = Genotype.from_dict(facts["genotype"])
        encoder = Encoder(genotype.encoder, variates=len(facts["variates"]))
        encoder.load_state_dict(weights)
        scaler = Scaler(
            mean=np.asarray(facts["scaler"]["mean"], dtype=np.float64),
            deviation=np.asarray(facts["scaler"]["deviation"], dtype=np.float64),
            n_rows_seen=int(facts["scaler"]["n_rows_seen"]),
        )
        return SavedEncoder(
            encoder=encoder.eval(),
            genotype=genotype,
            variates=tuple(facts["variates"]),
            window=int(facts["window"]),
            kind=facts["kind"],
            task_name=facts["task"],
            scaler=scaler,
            rng_seed=int(facts["rng_seed"]),
        )
    except GenotypeError as error:
        raise SavedEncoderError(f"{path}: its genotype cannot be built here: {error}") from error
    except KeyError as error:
        raise SavedEncoderError(f"{path}: the fact {error} is missing, so this is no saved encoder") from error
    except (RuntimeError, TypeError) as error:
        raise SavedEncoderError(f"{path}: weights and genotype do not fit ({str(error).splitlines()[0]})") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the facts and the tensors of a file."""
    if not path.is_file():
        raise SavedEncoderError(f"no saved encoder at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        facts = json.loads(metadata["facts"])
    except (SafetensorError, OSError) as error:
        raise SavedEncoderError(f"{path}: not a safetensors file (pickles are never loaded)") from error
    except (KeyError, json.JSONDecodeError) as error:
        raise SavedEncoderError(f"{path}: a safetensors file, but not an encoder saved by this software") from error
    if not isinstance(facts, dict):
        raise SavedEncoderError(f"{path}: a safetensors file, but not an encoder saved by this software")
    return facts, weights
