"""A 1-D convolutional network as encoder, trained without labels, and a linear probe on what it gives.

Run from the project's folder: `python examples/cnn_probe.py`.
"""

from dataclasses import replace
from pathlib import Path

from downstream import evaluation
from downstream.data import load_task
from nas.net import train_candidate
from nas.representer import Representer
from nas.training.model import ContrastiveModel
from search_space.genotype import EncoderCell
from search_space.presets import preset

DATA = Path(__file__).parent / "data" / "NycTaxiDays"

# What a convolution reads is (batch, channels, time) in torch; here windows are (batch, time, variates), and the
# encoder sees to the rest. Two layers, each a convolution of the last three steps, as in many small networks.
CNN = EncoderCell(
    edges=((0, "conv1d"),),
    blocks=2,
    hidden=32,
    output=32,
    dropout=0.0,
    normalization="none",
    channels="independent",
    readout="shares_4",
)


def main(*, iterations: int = 100) -> dict[str, float]:
    """Tell weekdays, Fridays, Saturdays and Sundays apart by their taxi rides; return accuracies on test.

    Args:
        iterations: Optimiser steps.
    """
    task = evaluation.linear_only(load_task(DATA, kind="classification"))
    genotype = replace(preset("simclr", kind=task.spec.kind), encoder=CNN)
    trials = {
        "CNN, untrained": train_candidate(genotype, task, iterations=0, rng_seed=0),
        "CNN, trained": train_candidate(genotype, task, iterations=iterations, rng_seed=0),
    }
    trained = trials["CNN, trained"]
    print(f"{trained.n_parameters} trained numbers, {trained.seconds:.0f} s")

    opened, found = task.open_test(), {}
    for name, trial in trials.items():
        model = ContrastiveModel(genotype, variates=task.n_variates)
        model.encoder.load_state_dict(trial.weights)
        scores = evaluation.score_test(task, opened, Representer(model.encoder))
        found[name] = scores.metrics["accuracy/ridge"]  # the linear probe
    found |= {name: row.value for name, row in evaluation.baselines(task, opened).items()}
    for name, accuracy in sorted(found.items(), key=lambda row: -row[1]):
        print(f"{name:20s} accuracy {accuracy:.3f} on {opened.windows.n} test days")
    best = max(found, key=lambda name: found[name])
    print(f"the best of these is {best}" + ("" if best == "CNN, trained" else ": training a network is no gain here"))
    return found


if __name__ == "__main__":
    main()
