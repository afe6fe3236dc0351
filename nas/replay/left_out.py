"""A comparator for each family of tasks that has not seen it, kept in a folder as they are trained."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ahc.checkpoint import CHECKPOINT_SCHEMA, load_comparator, save_comparator
from ahc.comparator import Comparator
from ahc.graphs.encoding import vocabulary_of
from ahc.record import TrialRecord
from ahc.task_embedding import EMBEDDING_VERSION, default_weights
from ahc.training.comparators import train_comparator
from ahc.training.comparisons import genotypes_of


def comparator_without(
    family: str,
    records: Sequence[TrialRecord],
    embeddings: Mapping[str, NDArray[np.float32]],
    *,
    folder: Path,
    rng_seed: int,
    progress: Callable[[str], None],
) -> Comparator:
    """Return a comparator that learned from all other families; of the folder, where the same lessons made it.

    Args:
        family: Whose records it must not see.
        records: Of all families.
        embeddings: Task hash -> task embedding, (task_features,) each.
        folder: Where comparators are kept.
        rng_seed: Of the training.
        progress: Called with a line where one is trained.

    Raises:
        ValueError: If the others hold too little to learn from.
    """
    known = [record for record in records if record.family != family]
    facts = "\n".join(f"{one.record_key} {one.oriented_score!r} {one.curve} {one.seconds!r}" for one in known)
    lessons = hashlib.sha256(f"{CHECKPOINT_SCHEMA} {rng_seed}\n{facts}".encode()).hexdigest()[:16]
    # the name carries what it learned and how, so that another's is never taken for it
    path = folder / f"{hashlib.sha256(family.encode()).hexdigest()[:8]}-{lessons}.safetensors"
    if path.exists():
        return load_comparator(path)
    progress(f"replay: trains a comparator without {family}")
    comparator = train_comparator(
        known,
        embeddings,
        rng_seed=rng_seed,
        vocabulary=vocabulary_of(list(genotypes_of(records).values())),
        feature_weights=default_weights(len(next(iter(embeddings.values())))),
        embedding_version=EMBEDDING_VERSION,
    )
    folder.mkdir(parents=True, exist_ok=True)
    save_comparator(path, comparator)
    return comparator
