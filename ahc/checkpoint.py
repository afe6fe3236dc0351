"""Comparators on disk: safetensors with the vocabulary, sizes and facts in the header. Never a pickle."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ahc.comparator import Comparator, ComparatorSettings, TrainingFacts
from ahc.task_embedding import EMBEDDING_VERSION
from ahc.vocabulary import Vocabulary, VocabularyError

CHECKPOINT_SCHEMA = 1
_KIND = "ts-contrastive-nas comparator"


class CheckpointError(ValueError):
    """A file that cannot be used as a comparator."""


def shipped_path(name: str = "comparator.safetensors") -> Path:
    """Return the path of a file that is installed with this package, whether or not it exists."""
    return Path(str(files("ahc.pretrained"))) / name


def save_comparator(path: str | Path, comparator: Comparator) -> None:
    """Write a comparator with everything needed to use it, complete or not at all."""
    target = Path(path)
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
    source = shipped_path() if path is None else Path(path)
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
        settings = ComparatorSettings(**json.loads(metadata["settings"]))
        facts = json.loads(metadata["facts"])
        told = TrainingFacts(**{**facts, "families": tuple(facts["families"]), "tasks": tuple(facts["tasks"])})
    except VocabularyError as error:
        raise CheckpointError(f"{source}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{source}: the checkpoint's header is damaged ({error})") from error
    if told.embedding_version not in ("", EMBEDDING_VERSION):
        raise CheckpointError(
            f"{source}: it was trained on task embeddings of version {told.embedding_version}, "
            f"but this software makes version {EMBEDDING_VERSION}"
        )
    comparator = Comparator(vocabulary, settings=settings, facts=told)
    _fill(comparator, tensors=tensors, source=source)
    return comparator.eval()


def _read(source: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    if not source.is_file():
        raise CheckpointError(f"{source}: there is no such comparator")
    try:
        with safe_open(source, framework="pt") as stream:
            names = list(stream.keys())
            return dict(stream.metadata() or {}), {name: stream.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{source}: not a safetensors file ({error})") from error


def _fill(comparator: Comparator, *, tensors: dict[str, torch.Tensor], source: Path) -> None:
    wanted = {name: tuple(tensor.shape) for name, tensor in comparator.state_dict().items()}
    problems = [f"{name} is missing" for name in sorted(set(wanted) - set(tensors))]
    problems += [f"{name} is unknown" for name in sorted(set(tensors) - set(wanted))]
    problems += [
        f"{name} must be {wanted[name]}, got {tuple(tensors[name].shape)}"
        for name in sorted(set(wanted) & set(tensors))
        if wanted[name] != tuple(tensors[name].shape)
    ]
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise CheckpointError(f"{source}: the tensors do not fit the comparator: {shown}")
    comparator.load_state_dict(tensors)
