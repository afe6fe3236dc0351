"""The linear layer that encoders are made of."""

from torch import Tensor, nn

from compute.products import linear


class Linear(nn.Linear):
    """torch's linear layer, whose large products on a CPU are left to the faster library (`compute.products`)."""

    def forward(self, input: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        return linear(input, self.weight, self.bias)
