"""Learn from trial records which candidates suit which task, and rank candidates that nobody has trained.

The bank (`bank`, `record`) keeps what trials gave; `graph` and `task_embedding`
turn candidates and tasks into numbers; `training` fits the `comparator`;
`ranking` uses it; `evaluation` and `importance` say what it is worth.
"""

from __future__ import annotations

from ahc.bank import Bank, BankError, TaskEntry
from ahc.checkpoint import CheckpointError, load_comparator, save_comparator, shipped_path
from ahc.comparator import Comparator, ComparatorSettings, Prediction
from ahc.graphs.encoding import encode_genotypes
from ahc.graphs.graph import ArchGraph, GraphBatch, batch_graphs, geno_to_graph
from ahc.graphs.vocabulary import Vocabulary, VocabularyError
from ahc.ranking import Ranking, evolve, rank_candidates
from ahc.record import TrialRecord
from ahc.task_embedding import EMBEDDING_VERSION, embed_task, feature_weights
from ahc.training.comparators import train_comparator
from ahc.training.members import TrainingSettings

__all__ = [
    "EMBEDDING_VERSION",
    "ArchGraph",
    "Bank",
    "BankError",
    "CheckpointError",
    "Comparator",
    "ComparatorSettings",
    "GraphBatch",
    "Prediction",
    "Ranking",
    "TaskEntry",
    "TrainingSettings",
    "TrialRecord",
    "Vocabulary",
    "VocabularyError",
    "batch_graphs",
    "embed_task",
    "encode_genotypes",
    "evolve",
    "feature_weights",
    "geno_to_graph",
    "load_comparator",
    "rank_candidates",
    "save_comparator",
    "shipped_path",
    "train_comparator",
]
