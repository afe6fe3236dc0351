"""From one vector per stream back to a window."""

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = 64
N_PERIODS = 16
SHORTEST_PERIOD, LONGEST_PERIOD = 3.0, 768.0


class StepDecoder(nn.Module):
    """A perceptron of one hidden layer that reads a code and the sinusoids of a step.

    Args:
        features: Width of the code.
        width: Values to tell per step.
    """

    def __init__(self, features: int, *, width: int) -> None:
        super().__init__()
        # The first layer in two parts: the code's is computed once per stream, not once per step.
        self.from_code = nn.Linear(features, HIDDEN)
        self.from_step = nn.Linear(2 * N_PERIODS, HIDDEN, bias=False)
        self.out = nn.Linear(HIDDEN, width)

    def forward(self, code: Tensor, *, steps: int) -> Tensor:
        """Return the decoded window.

        Args:
            code: Shape (B, S, features).
            steps: Its length T.

        Returns:
            Shape (B, S, T, width).
        """
        hidden = self.from_code(code).unsqueeze(2) + self.from_step(step_sinusoids(steps, like=code))
        decoded: Tensor = self.out(functional.gelu(hidden))
        return decoded


def step_sinusoids(steps: int, *, like: Tensor) -> Tensor:
    """Return sine and cosine of every step at periods that grow geometrically.

    As Vaswani et al. 2017 (arXiv:1706.03762, section 3.5) place tokens, with
    periods of 3 to 768 steps, which is what windows hold.

    Returns:
        On the device and of the dtype of `like`, shape (steps, 2 * N_PERIODS).
    """
    share = torch.linspace(0.0, 1.0, N_PERIODS, device=like.device, dtype=like.dtype)
    periods = SHORTEST_PERIOD * (LONGEST_PERIOD / SHORTEST_PERIOD) ** share
    angles = torch.arange(steps, device=like.device, dtype=like.dtype).unsqueeze(1) * (2.0 * torch.pi / periods)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def pooled(z: Tensor, *, observed: Tensor) -> Tensor:
    """Return the mean representation over the steps at which a stream shows anything.

    Args:
        z: Shape (B, S, T, D).
        observed: Shape (B, S, T, width).

    Returns:
        Zeros for a stream without observations, shape (B, S, D).
    """
    shown = observed.any(dim=-1, keepdim=True)  # (B, S, T, 1)
    return torch.where(shown, z, 0.0).sum(dim=2) / shown.sum(dim=2).clamp(min=1)
