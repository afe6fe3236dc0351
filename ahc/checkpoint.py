"""Comparators on disk: safetensors with the vocabulary, sizes and facts in the header. Never a pickle."""

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ahc.comparator import Comparator, ComparatorSettings, TrainingFacts
from ahc.graphs.vocabulary import Vocabulary, VocabularyError
from ahc.landmarks import PROBES
from ahc.member import Member
from ahc.task_embedding import EMBEDDING_VERSION
from compute.paths import user_path
from compute.user_error import DATA, UserError
from search_space.sentences import one_line

CHECKPOINT_SCHEMA = 2
_LARGEST_SIZE = 2**20
_ODD_HEADERS = (ValueError, TypeError, KeyError, RuntimeError, OverflowError, AttributeError)
_KIND = "ts-contrastive-nas comparator"


class CheckpointError(UserError, ValueError):
    """A file that cannot be used as a comparator."""

    exit_status = DATA

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def shipped_path(name: str = "comparator.safetensors") -> Path:
    """Return the path of a file that is installed with this package, whether or not it exists."""
    return Path(str(files("ahc.pretrained"))) / name


def save_comparator(path: str | Path, comparator: Comparator) -> None:
    """Write a comparator with everything needed to use it, complete or not at all."""
    target = user_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    metadata = {
        "kind": _KIND,
        "schema": str(CHECKPOINT_SCHEMA),
        "vocabulary": comparator.vocabulary.to_json(),
        "settings": json.dumps(asdict(comparator.settings)),
        "facts": json.dumps(asdict(comparator.facts)),
        "torch": str(torch.__version__),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in comparator.state_dict().items()}
    save_file(tensors, partial, metadata=metadata)
    partial.replace(target)


def load_comparator(path: str | Path | None = None) -> Comparator:
    """Read a comparator; the shipped one where no path is given.

    Args:
        path: A file that `save_comparator` wrote.

    Returns:
        The comparator on the CPU, in evaluation mode.

    Raises:
        CheckpointError: If the file is missing, is no comparator, is of a newer schema, lacks
            tensors, speaks of options that the registry does not know, or was trained on
            another definition of the task embedding.
    """
    source = shipped_path() if path is None else user_path(path)
    metadata, tensors = _read(source)
    if metadata.get("kind") != _KIND:
        raise CheckpointError(f"{source}: a safetensors file, but not of a comparator")
    schema = metadata.get("schema", "")
    if schema != str(CHECKPOINT_SCHEMA):
        raise CheckpointError(
            f"{source}: the checkpoint's schema must be {CHECKPOINT_SCHEMA}, got {schema or 'none'}: "
            "it was written by another version of this software"
        )
    try:
        vocabulary = Vocabulary.from_json(metadata["vocabulary"])
        vocabulary.check_registry()
        settings = _settings(json.loads(metadata["settings"]))
        told = _facts(json.loads(metadata["facts"]))
    except VocabularyError as error:
        raise CheckpointError(f"{source}: {error}") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{source}: the checkpoint's header is damaged ({error})") from error
    if told.embedding_version not in ("", EMBEDDING_VERSION):
        raise CheckpointError(
            f"{source}: it was trained on task embeddings of version {told.embedding_version}, "
            f"but this software makes version {EMBEDDING_VERSION}"
        )
    if told.probes != PROBES:
        raise CheckpointError(f"{source}: its landmarks are of other probes than this software's")
    # before anything is built: a header may ask for more memory than there is
    _check_shapes(_wanted(vocabulary, settings, n_tensors=len(tensors)), tensors=tensors, source=source)
    comparator = Comparator(vocabulary, settings=settings, facts=told)
    comparator.load_state_dict(tensors)
    return comparator.eval()


def _settings(stored: dict[str, Any]) -> ComparatorSettings:
    settings = ComparatorSettings(**stored)
    for name, value in asdict(settings).items():
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LARGEST_SIZE:
            raise ValueError(f"{name} must be a whole number in 1..{_LARGEST_SIZE}")
    return settings


def _facts(stored: dict[str, Any]) -> TrainingFacts:
    lists = {name: tuple(stored[name]) for name in ("families", "tasks", "probes")}
    facts = TrainingFacts(**{**stored, **lists})
    names = (*facts.families, *facts.tasks, *facts.probes, facts.embedding_version)
    if not all(isinstance(name, str) for name in names):
        raise ValueError("families, tasks, probes and embedding_version must be text")
    if not isinstance(facts.n_trials, int) or not isinstance(facts.details, dict):
        raise ValueError("n_trials must be a number and details a mapping")
    return facts


def _read(source: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    if not source.is_file():
        raise CheckpointError(f"{source}: there is no such comparator")
    try:
        with safe_open(source, framework="pt") as stream:
            names = list(stream.keys())
            return dict(stream.metadata() or {}), {name: stream.get_tensor(name) for name in names}
    except (SafetensorError, OSError, *_ODD_HEADERS) as error:
        raise CheckpointError(f"{source}: not a safetensors file ({error})") from error


def _wanted(vocabulary: Vocabulary, settings: ComparatorSettings, *, n_tensors: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a comparator's tensors by name, without building one."""
    sizes: dict[str, tuple[int, ...]] = {"gates": (2,), "residual": (2,), "sharpness": ()}
    sizes["task_mean"] = (settings.task_features,)
    sizes["task_basis"] = (settings.task_features, settings.coordinates)
    if settings.members * settings.layers > n_tensors:
        return {**sizes, f"members.{settings.members - 1}.encoder.layers.{settings.layers - 1}.itself.bias": ()}
    with torch.device("meta"):
        member = Member(len(vocabulary), settings=settings).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in member.items()}
    numbers = range(settings.members)
    return {**sizes, **{f"members.{number}.{name}": shape for number in numbers for name, shape in shapes.items()}}


def _check_shapes(wanted: dict[str, tuple[int, ...]], *, tensors: dict[str, torch.Tensor], source: Path) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    problems = [f"{name} is missing" for name in sorted(wanted.keys() - shapes.keys())]
    problems += [f"{name} is unknown" for name in sorted(shapes.keys() - wanted.keys())]
    problems += [
        f"{name} must be {shape}, got {shapes[name]}"
        for name, shape in sorted(wanted.items())
        if shapes.get(name, shape) != shape
    ]
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise CheckpointError(f"{source}: the tensors do not fit the comparator: {shown}")
