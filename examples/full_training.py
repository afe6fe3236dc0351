"""A full training from Python: load, choose a preset, train, probe, save, load again, embed.

Run from the project's folder: `python examples/full_training.py`.
"""

import tempfile
from pathlib import Path

from downstream import evaluation
from downstream.data import load_task
from downstream.represent import features_of
from nas.net import train_candidate
from nas.representer import Representer
from nas.saved.encoder import load_encoder, save_encoder
from search_space.presets import preset

DATA = Path(__file__).parent / "data" / "ItalyPowerDemand"


def main(*, name: str = "ts2vec", iterations: int = 60, folder: Path | None = None) -> dict[str, float]:
    """Train a preset on a day's demand of electricity, summer or winter, and return accuracies.

    Args:
        name: Of a preset (`tscnas space --presets` lists them).
        iterations: Optimiser steps.
        folder: Where the encoder is saved; a temporary one by default.
    """
    task = load_task(DATA, kind="classification")
    task = evaluation.linear_only(task)  # without the support vector machine, which takes longest
    genotype = preset(name, kind=task.spec.kind)
    trial = train_candidate(genotype, task, iterations=iterations, rng_seed=0)
    assert trial.untrained_score is not None and trial.score is not None, trial.message
    for point in trial.curve:
        print(f"after {point.iteration:3d} steps: accuracy {point.score:.3f} on held-out folds of the training cases")

    with tempfile.TemporaryDirectory() as temporary:
        path = (folder or Path(temporary)) / "encoder.safetensors"
        save_encoder(path, trial.weights, genotype=genotype, task=task, rng_seed=0)
        saved = load_encoder(path)
    untrained = Representer(saved.untrained(task.n_variates))
    represent = saved.representer("cpu")

    opened = task.open_test()  # once, after all that is chosen
    rows = {"trained": represent, "untrained": untrained}
    found = {of: evaluation.score_test(task, opened, encoder).value for of, encoder in rows.items()}
    plain = evaluation.baselines(task, opened)
    found |= {of: scores.value for of, scores in plain.items()}
    for of, accuracy in sorted(found.items(), key=lambda row: -row[1]):
        print(f"{of:20s} accuracy {accuracy:.3f} on {opened.windows.n} test cases")
    better = found["trained"] - found["untrained"]
    print(f"training changed the accuracy on test by {better:+.3f}" + ("" if better > 0 else ": it did not help here"))

    embedded = features_of(represent, opened.windows)
    print(f"embedded: {embedded.shape[0]} cases, {embedded.shape[1]} numbers each")
    return found


if __name__ == "__main__":
    main()
