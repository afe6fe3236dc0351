"""Which probed candidates a comparator wants trained: those that promise most, and those it is least sure of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ahc.comparator import Comparator, TaskView
from ahc.graphs.encoding import encode_genotypes
from ahc.landmarks import landmark_vector
from ahc.posterior import posterior
from ahc.record import TrialRecord
from ahc.training.comparisons import genotypes_of, task_tables
from search_space.genotype import Genotype


def single_out(
    probes: Sequence[TrialRecord],
    *,
    open_to: Sequence[str],
    embedding: NDArray[np.float32],
    comparator: Comparator,
    n: int,
) -> list[Genotype]:
    """Return candidates that a comparator wants trained, best first.

    Half of them are those of whom most is expected after training, given their untrained scores; the others those of
    whom members of the ensemble say the most different things.

    Args:
        probes: Completed untrained trials of one task.
        open_to: Keys of those among whom is chosen.
        embedding: Of the task.
        comparator: Who chooses.
        n: How many, if there are so many.
    """
    if not open_to or not n:
        return []
    genotypes = genotypes_of(probes)
    (table,) = task_tables(probes)
    untrained = dict(zip(table.keys, table.untrained.tolist(), strict=True))
    landmarks = landmark_vector({genotypes[key].untrained_key: at for key, at in untrained.items()}, kind=table.kind)
    view = TaskView(embedding, landmarks if landmarks.any() else None)
    chosen = [genotypes[key] for key in open_to]
    said = comparator.predict(encode_genotypes(chosen, vocabulary=comparator.vocabulary, lacking=set()), task=view)
    scores = table.standardised(np.array([untrained[key] for key in open_to]))
    prior = said.untrained.double().numpy()
    belief = posterior(
        [[(0.0, score)] for score in scores.tolist()],
        noise=np.full(len(scores), table.noise_sd / table.scale[1]),
        prior=prior - prior.mean(),
        gains=said.gain.double().numpy(),
    )
    best = np.argsort(-belief.mean, kind="stable")[: -(-n // 2)].tolist()
    unsure = [at for at in np.argsort(-said.spread.numpy(), kind="stable").tolist() if at not in best]
    return [chosen[at] for at in [*best, *unsure][:n]]
