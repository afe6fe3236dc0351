"""One regression, solved twice: a network trained end to end on the targets, and a search by reinforcement learning.

The series are noisy sines, the target is their frequency. The network follows the gradient of its squared error. The
policy never sees one: it draws encoders, is told how well a ridge on their representations predicts, and draws better
ones. Both see the same 150 series, and are judged by others.

Run from the project's folder: `python examples/policy_regression.py`.
"""

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nas import ContrastiveNAS

STEPS = 48


def sines(n: int, *, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return series (n, 1, steps) and their frequencies in cycles per window (n,)."""
    frequency, phase = rng.uniform(1.0, 6.0, size=n), rng.uniform(0.0, 2 * np.pi, size=n)
    time_of_step = np.arange(STEPS) / STEPS
    values = np.sin(2 * np.pi * frequency[:, None] * time_of_step + phase[:, None])
    values += 0.3 * rng.normal(size=values.shape)
    return values[:, None].astype(np.float32), frequency.astype(np.float32)


def end_to_end(x: torch.Tensor, y: torch.Tensor, *, iterations: int) -> nn.Module:
    """Return a small convolutional network that was fitted to the targets."""
    torch.manual_seed(0)
    layers = [nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.Conv1d(16, 32, 7, padding=3), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(iterations):
        loss = (network(x)[:, 0] - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def main(*, iterations: int = 400, trials: int = 24, trained: int = 40) -> dict[str, float]:
    """Solve the regression both ways; return root mean squared errors on new series.

    Args:
        iterations: Steps of the network.
        trials: Encoders that the policy may try untrained.
        trained: Steps that the best of them is then trained without targets.
    """
    rng = np.random.default_rng(0)
    (x, y), (new, truth) = sines(150, rng=rng), sines(500, rng=rng)
    predicted = {"mean of the targets": np.full(len(truth), y.mean())}

    began = time.perf_counter()
    network = end_to_end(torch.from_numpy(x), torch.from_numpy(y), iterations=iterations)
    with torch.no_grad():
        predicted["network, end to end"] = network(torch.from_numpy(new))[:, 0].numpy()
    seconds = {"network, end to end": time.perf_counter() - began}

    began = time.perf_counter()
    how = {"landmarks": trials, "candidates": 200, "top_k": 1, "iterations": trained, "members": 1, "report": False}
    search = ContrastiveNAS("regression", strategy="policy", policy_update="grpo", rng_seed=0, **how).fit(x, y)
    predicted["policy search"] = search.predict(new)
    seconds["policy search"] = time.perf_counter() - began

    errors = {name: float(np.sqrt(np.mean((said - truth) ** 2))) for name, said in predicted.items()}
    for name, error in sorted(errors.items(), key=lambda row: row[1]):
        print(f"{name:20s} error {error:.3f} cycles" + (f", {seconds[name]:.1f} s" if name in seconds else ""))
    exact, quick = min(seconds, key=lambda name: errors[name]), min(seconds, key=lambda name: seconds[name])
    print(f"with these settings the more exact of the two is the {exact}, the quicker one the {quick}")
    return errors


if __name__ == "__main__":
    main()
