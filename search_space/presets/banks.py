"""Banks of random convolutions as encoders: as published, and as the start of contrastive training."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from search_space.presets._preset import TS2VEC, Preset, views

_SETS, _KERNELS = 12, 84
_VIEW = [["crop", {"ratio": 0.5}], ["rescale", {"sigma": 0.3}], ["jitter", {"sigma": 0.1}]]


def _bank(operator: str, *, sets: int) -> dict[str, Any]:
    """Return a genotype whose encoder is a bank of so many whole sets of kernels, with eight thresholds for each."""
    return {
        **TS2VEC,
        **views(_VIEW),
        "EmbedCell": {**TS2VEC["EmbedCell"], "head": 128},
        "PairCell": {"instance": True, "pool": "avg", "kernel": 0},
        "LossCell": {"loss": "nt_xent", "similarity": "cosine", "temperature": 0.2},
        "EncoderCell": {
            "edges": [[0, operator]],
            "blocks": 1,
            "hidden": sets * _KERNELS,
            "output": 0,
            "dropout": 0.0,
            "normalization": "none",
            "channels": "mixed",
            "readout": "shares_8",
        },
        "TrainCell": {"learning_rate": 0.003, "batch_size": 32, "weight_averaging": False},
    }


BANKS: Mapping[str, Preset] = MappingProxyType(
    {
        "minirocket": Preset(
            source="MiniRocket, Dempster et al. 2021, arXiv:2012.08791, section 3",
            differs="Eight thresholds at even quantiles of many training windows instead of some 119 quantiles of one "
            "window each, spread over the dilations; twelve dilations instead of up to 32, 8,064 features instead of "
            "9,996; always padded, where the paper pads every other time. Nothing is trained, whatever the strategy.",
            genotype=_bank("kernel_bank", sets=_SETS),
        ),
        "rocket_contrastive": Preset(
            source="MiniRocket's kernels, arXiv:2012.08791, as the start of SimCLR, Chen et al. 2020, arXiv:2002.05709",
            differs="No publication trains such a bank: kernels, sums of variates and thresholds all learn, by NT-Xent "
            "between two crops that are rescaled and jittered. The loss compares 128 features, a linear map of the "
            "readout that is thrown away. Three dilations, 2,016 features, so that minutes of CPU time suffice.",
            genotype=_bank("trained_kernel_bank", sets=3),
        ),
    }
)
