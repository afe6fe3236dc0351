"""What a genotype needs of a task before its options can do anything."""

from collections.abc import Sequence

from search_space import registry
from search_space.genotype.genotype import Genotype


def unmet(
    genotype: Genotype, *, windows: int, steps: int, variates: int, lookbacks: Sequence[int] = (0,)
) -> tuple[str, ...]:
    """Return what a genotype needs and a task does not have, one clause each.

    Every option that stands alone must find what it needs; of the pair kinds one
    is enough, because a kind without pairs counts zero.

    Args:
        genotype: The candidate.
        windows: Training windows of the task.
        steps: Steps of a training window.
        variates: Variates of a window.
        lookbacks: Windows that a candidate may have, in steps; 0 stands for the task's own.

    Returns:
        Empty where the candidate can be trained.
    """
    window = genotype.encoder.window
    batch = min(genotype.train.batch_size, windows)
    streams = variates if genotype.encoder.channels == "independent" else 1
    sizes = {"batch": batch, "instances": batch * streams, "time": window or steps, "variates": variates}

    def lacks(kind: str, name: str) -> list[str]:
        needs = registry.get(kind, name).needs
        return [
            f"{kind} {name!r} needs {what} >= {least}, and there {'is' if sizes[what] == 1 else 'are'} {sizes[what]}"
            for what, least in needs.items()
            if sizes[what] < least
        ]

    contrasts = genotype.loss.contrasts  # else there are neither views nor pairs
    alone = [("augmentation", choice.name) for choice in (*genotype.aug1, *genotype.aug2) if contrasts]
    alone += [("operator", name) for _, name in genotype.encoder.edges]
    alone.append(("readout", genotype.encoder.readout))
    problems = [problem for kind, name in dict.fromkeys(alone) for problem in lacks(kind, name)]
    of_pairs = [lacks("pair", kind) for kind in genotype.pair.kinds]
    if contrasts and all(of_pairs):
        problems += [problem for of_kind in of_pairs for problem in of_kind]
    if window not in lookbacks:
        others = ", ".join(map(str, sorted({*lookbacks})))
        problems.append(f"EncoderCell.window must be one of {others} for this task, got {window}")
    return tuple(problems)
