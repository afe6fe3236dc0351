"""Training the comparator on all comparisons that the records allow."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ahc.comparator import Comparator, ComparatorSettings, TrainingFacts
from ahc.graphs.encoding import vocabulary_of
from ahc.graphs.graph import geno_to_graph
from ahc.graphs.vocabulary import Vocabulary
from ahc.member import Member
from ahc.record import TrialRecord
from ahc.task_embedding import EMBEDDING_VERSION, default_weights
from ahc.training.comparisons import genotypes_of, task_tables
from ahc.training.members import Material, MemberTrainer, TaskLabels, TrainingSettings, task_labels

_GATES = (0.0, 0.25, 0.5, 0.75, 1.0)
_GATE_FOLDS = 4


def train_comparator(
    records: Sequence[TrialRecord],
    embeddings: Mapping[str, NDArray[np.float32]],
    *,
    rng_seed: int = 0,
    epochs: int | None = None,
    settings: TrainingSettings | None = None,
    sizes: ComparatorSettings | None = None,
    vocabulary: Vocabulary | None = None,
    feature_weights: NDArray[np.float32] | None = None,
    embedding_version: str = EMBEDDING_VERSION,
    device: str = "cpu",
    progress: Callable[[str], None] | None = None,
) -> Comparator:
    """Learn to rank candidates from trial records.

    Every member sees all pairs of training candidates of a few tasks per step.
    The label of a pair is the probability that its order is real (soft labels), so
    a tie within noise pulls the two scores together instead of apart.

    Args:
        records: Trials of any status and fidelity.
        embeddings: Task hash -> task embedding, (task_features,) each.
        rng_seed: The same seed on the same machine gives the same comparator.
        epochs: Overrides `settings.epochs`.
        settings: How to train.
        sizes: Sizes of the networks; `task_features` is set from the embeddings.
        vocabulary: That of the records' genotypes where None.
        feature_weights: Weight of each embedding feature, (task_features,); where None those of
            `embed_task` if the length fits, otherwise ones.
        embedding_version: Definition of the embeddings; stored and checked on loading.
        device: Where to train.
        progress: Called with a line per member.

    Returns:
        The comparator, on the CPU and in evaluation mode.

    Raises:
        ValueError: If a task lacks its embedding, or no task has two scored candidates.
    """
    from ahc.message_passing import GraphCollection

    how = settings or TrainingSettings()
    how = how if epochs is None else replace(how, epochs=epochs)
    tables = [table for table in task_tables(records) if len(table.keys) >= 2]
    if not tables:
        raise ValueError("train_comparator: at least one task needs two candidates with a score, got none")
    missing = sorted({table.name for table in tables if table.task_hash not in embeddings})
    if missing:
        raise ValueError(f"train_comparator: every task needs its embedding, missing for {', '.join(missing)}")
    tasks = np.stack([np.asarray(embeddings[table.task_hash], dtype=np.float32) for table in tables])
    shape = replace(sizes or ComparatorSettings(task_features=0), task_features=tasks.shape[1])
    facts = TrainingFacts(
        families=tuple(sorted({table.family for table in tables})),
        tasks=tuple(table.name for table in tables),
        n_trials=int(sum(table.repeats.sum() for table in tables)),
        embedding_version=embedding_version,
    )
    weights = default_weights(tasks.shape[1]) if feature_weights is None else feature_weights
    genotypes = genotypes_of(records)
    words = vocabulary or vocabulary_of(list(genotypes.values()))
    comparator = Comparator(words, settings=shape, facts=facts)
    _fit_axes(comparator, tasks=tasks, weights=weights)
    comparator.to(device)

    keys = sorted({key for table in tables for key in table.tried})
    graphs = GraphCollection([geno_to_graph(genotypes[key], words) for key in keys], device=device)
    rows = {key: row for row, key in enumerate(keys)}
    coordinates = comparator.coordinates(torch.from_numpy(tasks).to(device))
    labels = [task_labels(table, coordinates=at, rows=rows) for table, at in zip(tables, coordinates, strict=True)]
    material = Material(graphs, how)
    rng = np.random.default_rng(rng_seed)
    comparator.gate.fill_(_fit_gate(comparator, material, labels, rng=rng))
    say = progress or (lambda line: None)
    say(f"gate of the task-aware part: {float(comparator.gate):.2f}")
    for number, member in enumerate(comparator.members):
        assert isinstance(member, Member)
        loss, epoch = MemberTrainer(member, material, rng=rng).fit(labels)
        say(f"member {number + 1}/{len(comparator.members)}: held-out loss {loss:.4f} at epoch {epoch}")
    return comparator.cpu().eval()


def _fit_axes(comparator: Comparator, *, tasks: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
    """Set the axes to the leading principal components of the standardised training embeddings."""
    mean = tasks.mean(axis=0)
    deviation = tasks.std(axis=0)
    # A feature that never varied in training says nothing about a new task.
    scale = np.where(deviation > 1e-6, 1.0 / np.maximum(deviation, 1e-6), 0.0)
    scale = scale * weights
    standardised = (tasks - mean) * scale
    _, singular, axes = np.linalg.svd(standardised.astype(np.float64), full_matrices=False)
    kept = min(comparator.settings.coordinates, int((singular > 1e-6 * max(singular[0], 1e-12)).sum()))
    basis = np.zeros((tasks.shape[1], comparator.settings.coordinates))
    if singular[0] > 0:
        # Dividing by the largest deviation keeps small components small: they are mostly noise.
        unit = singular[0] / np.sqrt(len(tasks))
        signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
        basis[:, :kept] = (scale[:, None] * (axes * signs[:, None]).T[:, :kept]) / unit
    comparator.task_mean.copy_(torch.from_numpy(mean))
    comparator.task_basis.copy_(torch.from_numpy(basis.astype(np.float32)))


def _fit_gate(
    comparator: Comparator, material: Material, labels: Sequence[TaskLabels], *, rng: np.random.Generator
) -> float:
    """Return the gate that ranks best on families left out of the training, 1 where there are too few."""
    families = sorted({task.family for task in labels})
    if not material.how.fit_gate or len(families) < _GATE_FOLDS:
        return 1.0
    shuffled = [families[at] for at in rng.permutation(len(families))]
    losses = np.zeros(len(_GATES))
    for fold in range(_GATE_FOLDS):
        left_out = set(shuffled[fold::_GATE_FOLDS])
        judged = [task for task in labels if task.family in left_out]
        member = copy.deepcopy(comparator.members[0])
        assert isinstance(member, Member)
        trainer = MemberTrainer(member, material, rng=rng)
        trainer.fit([task for task in labels if task.family not in left_out])
        losses += [len(judged) * trainer.calibrated_loss(judged, gate=gate)[0] for gate in _GATES]
    return _GATES[int(losses.argmin())]
