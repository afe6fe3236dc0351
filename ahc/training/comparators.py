"""Training the comparator on all comparisons that the records allow."""

import copy
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ahc.comparator import Comparator, ComparatorSettings, TrainingFacts
from ahc.graphs.encoding import vocabulary_of
from ahc.graphs.graph import geno_to_graph
from ahc.graphs.vocabulary import Vocabulary
from ahc.landmarks import landmark_vector, probes
from ahc.member import Member
from ahc.record import TrialRecord
from ahc.task_embedding import EMBEDDING_VERSION, default_weights
from ahc.training.comparisons import TaskTable, genotypes_of, robust_deviation, teaching_tables
from ahc.training.members import (
    SHARPNESS,
    Material,
    MemberTrainer,
    TaskLabels,
    TrainingSettings,
    order_loss,
    task_labels,
)
from search_space.genotype import Genotype

GATES = (0.0, 0.25, 0.5, 0.75, 1.0)
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

    Every member sees all pairs of candidates of a few tasks per step. The label of a pair is the probability that its
    order is real (soft labels), so a tie within noise pulls the two scores together instead of apart. A task is shown
    without anything that depends on it, with its embedding, or with its landmarks as well, so that one network serves
    before and after the fixed probes were tried.

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
    from ahc.graphs.message_passing import GraphCollection

    how = settings or TrainingSettings()
    how = how if epochs is None else replace(how, epochs=epochs)
    tables, noisy = teaching_tables(records)
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
        details={"too noisy": noisy},
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
    labels = [
        task_labels(
            table,
            coordinates=at,
            landmarks=torch.from_numpy(landmarks_of(table, genotypes)).to(device),
            told=told_by_landmarks(table, genotypes),
            rows=rows,
        )
        for table, at in zip(tables, coordinates, strict=True)
    ]
    material = Material(graphs, how)
    rng = np.random.default_rng(rng_seed)
    say = progress or (lambda line: None)
    _fit_trust(comparator, material, labels, rng=rng)
    gates, residual = ([f"{value:.2f}" for value in values] for values in (comparator.gates, comparator.residual))
    say(f"gates of the task-aware part: {gates[0]} without landmarks, {gates[1]} with them")
    say(f"error of a score on unseen families: {residual[0]} without landmarks, {residual[1]} with them")
    for number, member in enumerate(comparator.members):
        assert isinstance(member, Member)
        loss = MemberTrainer(member, material, rng=rng).fit(labels)
        say(f"member {number + 1}/{len(comparator.members)}: loss {loss:.4f}")
    return comparator.cpu().eval()


def landmarks_of(table: TaskTable, genotypes: Mapping[str, Genotype]) -> NDArray[np.float32]:
    """Return the landmark vector of a task in a bank, (landmarks,)."""
    scores = zip(table.keys, table.untrained.tolist(), strict=True)
    untrained = {genotypes[key].untrained_key: score for key, score in scores if math.isfinite(score)}
    return landmark_vector(untrained, kind=table.kind)


def told_by_landmarks(table: TaskTable, genotypes: Mapping[str, Genotype]) -> set[str]:
    """Return the keys of the candidates whose untrained encoders are fixed probes."""
    fixed = {genotype.untrained_key for genotype in probes(table.kind)}
    return {key for key in table.keys if genotypes[key].untrained_key in fixed}


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


def _fit_trust(
    comparator: Comparator, material: Material, labels: Sequence[TaskLabels], *, rng: np.random.Generator
) -> None:
    """Set gates, sharpness and residuals to what is best on families left out; leave them at 1 where there are too few.

    A residual is the robust deviation of what is left of untrained scores.
    """
    families = sorted({task.family for task in labels})
    if not material.how.fit_gates or len(families) < _GATE_FOLDS:
        return
    shuffled = [families[at] for at in rng.permutation(len(families))]
    losses = np.zeros((2, len(GATES), len(SHARPNESS)))
    errors: dict[tuple[int, int], list[NDArray[np.float32]]] = defaultdict(list)
    for fold in range(_GATE_FOLDS):
        left_out = set(shuffled[fold::_GATE_FOLDS])
        member = copy.deepcopy(comparator.members[0])
        assert isinstance(member, Member)
        trainer = MemberTrainer(member, material, rng=rng)
        trainer.fit([task for task in labels if task.family not in left_out])
        for task in labels:
            if task.family not in left_out or int((~task.told).sum()) < 2:
                continue
            for known, at in np.ndindex(2, len(GATES)):
                said = trainer.says(task, landmarks=bool(known), gate=GATES[at])[0]
                losses[known, at] += order_loss(task, said).cpu().numpy()
                errors[known, at].append((task.untrained - said)[~task.told].cpu().numpy())
    if not errors:  # nobody but fixed probes was tried
        return
    best = losses.min(axis=2).argmin(axis=1).tolist()
    comparator.gates.copy_(torch.tensor([GATES[at] for at in best]))
    comparator.sharpness.fill_(SHARPNESS[int(losses[1, best[1]].argmin())])
    left = [robust_deviation(np.concatenate(errors[known, at]).astype(np.float64)) for known, at in enumerate(best)]
    comparator.residual.copy_(torch.tensor(left))
