"""TSMixer: networks over time and over features, one after the other."""

import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators._mixing import StreamMixing, TimeFilter
from encoders.operators._operator import Operator, within_span
from search_space.registry import register


@register("operator", "mixer", source="TSMixer, Chen et al. 2023, arXiv:2303.06053, time mixing and feature mixing")
class Mixer(Operator):
    """Mix the steps of every feature, then the features and variates of every step, each added to the latent.

    Time mixing is one linear map, shared by all features, and a ReLU; feature
    mixing is a network of two layers.

    Deliberate differences: the weights of the map over time belong to lags of up
    to 63 steps to either side, not to places in a window of fixed length, so any
    length works; other variates are read as their mean, so any number works; a
    layer norm per step instead of the norm over the whole window.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.time_norm = nn.LayerNorm(hidden)
        self.over_time = TimeFilter()
        self.feature_norm = nn.LayerNorm(hidden)
        self.over_features = StreamMixing(hidden, 2 * hidden, dropout=dropout)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Mix time, then features; (batch, streams, time, hidden)."""
        read = within_span(self.time_norm(x), span)  # the norm's bias must not enter from beyond the end
        x = x + self.dropout(F.relu(self.over_time(read)))
        return x + self.dropout(self.over_features(self.feature_norm(x)))  # type: ignore[no-any-return]
