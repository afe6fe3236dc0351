"""How good a comparator is: on families held out, learning from fewer tasks, and in telling tasks apart."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from ahc.comparator import Comparator, TaskView
from ahc.evaluation.awareness import awareness
from ahc.evaluation.families import Evaluation, learning_curve, leave_families_out
from ahc.evaluation.markdown import markdown_sections
from ahc.task_embedding import feature_weights
from ahc.training.comparators import landmarks_of
from ahc.training.comparisons import genotypes_of, teaching_tables
from nas.choosing.candidates import draw_candidates
from nas.options.seeding import AhcOptions
from nas.seeding.lessons import Lessons, faults_of, progress_of

LEARNING_CURVE = (10, 20, 40, 80)
"""Tasks of the smaller banks that a learning curve compares."""
_RANKED_BY_ALL = 1000


@dataclass(frozen=True)
class Judgement:
    """Figures of families held out, and all of it as Markdown."""

    evaluation: Evaluation
    text: str


def judge(lessons: Lessons, comparator: Comparator, options: AhcOptions) -> Judgement:
    """Hold out families of tasks in turn and measure how well comparators rank that learned from the others.

    Args:
        lessons: What there is to learn from.
        comparator: The one that learned from all, whose rankings of different tasks are compared.
        options: In how many parts, and whether smaller banks are tried as well.

    Raises:
        BankError: If the bank holds too little for that.
    """
    held_out = partial(
        leave_families_out,
        lessons.records,
        lessons.embeddings,
        folds=options.folds,
        rng_seed=options.rng_seed,
        feature_weights=feature_weights(),
        progress=progress_of(quiet=options.quiet),
    )
    with faults_of(lessons.bank):
        tables, noisy = teaching_tables(lessons.records)
        whole = held_out()
        text = whole.to_markdown()
        if noisy:
            text += f"\nLeft out, as noise leaves no room between their candidates: {', '.join(noisy)}.\n"
        if options.learning_curve:
            sizes = [n for n in LEARNING_CURVE if n < len(tables)]
            text += "\n" + learning_curve({**{n: held_out(most_tasks=n) for n in sizes}, len(tables): whole})
        genotypes = genotypes_of(lessons.records)
        views = [TaskView(lessons.embeddings[table.task_hash], landmarks_of(table, genotypes)) for table in tables]
        drawn = draw_candidates(_RANKED_BY_ALL, np.random.default_rng(options.rng_seed))
        compared = awareness(comparator, views, drawn)
    return Judgement(whole, text + "\n" + markdown_sections({"How differently tasks are ranked": compared}))
