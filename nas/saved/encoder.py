"""A trained encoder on disk: safetensors weights with everything needed to use them again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from compute.user_error import DATA, UserError
from downstream.kinds import KINDS
from downstream.predictor import LONGEST_WINDOW
from downstream.scaling import Scaler
from downstream.task import Task
from encoders.encoder import Encoder
from nas.runs.whole_file import write_whole
from nas.version import PROTOCOL_VERSION
from search_space.genotype import Genotype, GenotypeError
from search_space.sentences import one_line

ModuleT = TypeVar("ModuleT", bound=nn.Module)

SCHEMA = 1


class SavedEncoderError(UserError, ValueError):
    """A file that should hold a saved encoder does not."""

    exit_status = DATA

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


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
        _, *facts = (getattr(self, each.name) for each in fields(self))  # all but the encoder
        write_whole(Path(path), _file(self.encoder.state_dict(), *facts))

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
    path: str | Path, weights: Mapping[str, Tensor], *, genotype: Genotype, task: Task, rng_seed: int
) -> None:
    """Write weights and facts to one file, complete or not at all."""
    write_whole(Path(path), encoder_file(weights, genotype=genotype, task=task, rng_seed=rng_seed))


def encoder_file(weights: Mapping[str, Tensor], *, genotype: Genotype, task: Task, rng_seed: int) -> bytes:
    """Return what `save_encoder` writes."""
    spec, scaler = task.spec, task.scaler
    return _file(weights, genotype, task.variates, spec.window, spec.kind, spec.name, scaler, rng_seed)


def _file(
    weights: Mapping[str, Tensor],
    genotype: Genotype,
    variates: tuple[str, ...],
    window: int,
    kind: str,
    task_name: str,
    scaler: Scaler,
    rng_seed: int,
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
    }
    return file_of(weights, facts)


def file_of(tensors: Mapping[str, Tensor], facts: Mapping[str, object]) -> bytes:
    """Return the safetensors file that `read_facts` reads: tensors, and JSON values beside them."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    return save(plain, {"facts": json.dumps(facts)})


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
        )
    except GenotypeError as error:
        raise SavedEncoderError(
            f"{path}: its genotype cannot be built here: {'; '.join(str(error).splitlines())}"
        ) from error
    except KeyError as error:
        raise SavedEncoderError(f"{path}: the fact {error} is missing, so this is no saved encoder") from error
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise SavedEncoderError(f"{path}: weights and genotype do not fit ({str(error).splitlines()[0]})") from error


def read_facts(path: Path, *, what: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the facts and the tensors of a file that this software wrote; nothing in it is executed.

    Raises:
        SavedEncoderError: If the file is missing or something else.
    """
    if not path.is_file():
        raise SavedEncoderError(f"no saved {what} at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError, AttributeError) as error:
        raise SavedEncoderError(f"{path}: not a safetensors file (pickles are never loaded)") from error
    try:
        facts = json.loads(metadata["facts"])
    except (KeyError, ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise SavedEncoderError(f"{path}: a safetensors file, but not a saved {what} of this software")
    return facts, weights


def build_with(weights: Mapping[str, Tensor], build: Callable[[], ModuleT]) -> ModuleT:
    """Return a module with just these weights, in evaluation mode; shapes are compared before memory is taken for it.

    Raises:
        ValueError: If a weight is missing, unknown or of another shape.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    wrong = sorted(name for name in {*wanted, *given} if wanted.get(name) != given.get(name))
    if wrong:
        name = wrong[0]
        raise ValueError(f"{name} must be {wanted.get(name, 'absent')}, got {given.get(name, 'nothing')}")
    module = build()
    module.load_state_dict(weights)
    return module.eval()


def checked_names(names: object, *, what: str) -> tuple[str, ...]:
    """Return a list of texts as a tuple.

    Raises:
        ValueError: If it is something else, or empty.
    """
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{what} must be a list of names")
    return tuple(names)


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
