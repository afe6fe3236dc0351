"""Banks of random convolutions as encoders: as published, and trained contrastively."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from search_space.presets._preset import TS2VEC, Preset, views

_KERNELS = 84  # of a whole set of MiniRocket's
_CONTRAST = {
    "PairCell": {"instance": True, "pool": "avg", "kernel": 0},
    "LossCell": {"loss": "nt_xent", "similarity": "cosine", "temperature": 0.2},
    "TrainCell": {"learning_rate": 0.001, "batch_size": 32, "weight_averaging": False},
}
_VIEW = [["magnitude_warp", {"sigma": 0.2}], ["resize", {"ratio": 0.2}]]
_WARPED_VIEW = [["time_warp", {"sigma": 0.2}], *_VIEW]


def _bank(operator: str, *, hidden: int, readout: str, **others: Any) -> dict[str, Any]:
    """Return the Encoder cell of a bank of kernels and its readout, with nothing else."""
    cell = {
        "edges": [[0, operator]],
        "blocks": 1,
        "hidden": hidden,
        "output": 0,
        "dropout": 0.0,
        "normalization": "none",
        "channels": "mixed",
        "readout": readout,
        **others,
    }
    return {"EncoderCell": cell}


_FROZEN = {**TS2VEC, **views([]), **_CONTRAST}
"""One strategy for all that learn nothing: the region `frozen` of the default space has no other."""

_LOG_DET = "CorInfoMax's log-determinant, Ozsoy et al. 2022, arXiv:2209.07999, in closed form for an embedding of "


def _spectral(operator: str, *, strength: float, **bank: Any) -> dict[str, Any]:
    """Return the genotype of a frozen bank below an embedding to 256 numbers in closed form."""
    loss = {"loss": "log_det", "similarity": "none", "strength": strength}
    return {**_FROZEN, **views(_WARPED_VIEW, []), "LossCell": loss, **_bank(operator, embedding=256, **bank)}


BANKS: Mapping[str, Preset] = MappingProxyType(
    {
        "minirocket": Preset(
            source="MiniRocket, Dempster et al. 2021, arXiv:2012.08791, section 3",
            differs="Eight thresholds at even quantiles of many training windows instead of some 119 quantiles of one "
            "window each, spread over the dilations; twelve dilations instead of up to 32, 8,064 features instead of "
            "9,996; always padded, where the paper pads every other time. Nothing is trained, whatever the strategy.",
            genotype={**_FROZEN, **_bank("kernel_bank", hidden=12 * _KERNELS, readout="shares_8")},
        ),
        "multirocket": Preset(
            source="MultiRocket, Tan et al. 2022, arXiv:2102.00457, section 3",
            differs="As minirocket; nine dilations of the series and of its first differences each, 48,384 features "
            "instead of 49,728; the mean excess over a threshold is in deviations of the kernel's response. Nothing is "
            "trained, whatever the strategy.",
            genotype={
                **_FROZEN,
                **_bank("kernel_bank", hidden=18 * _KERNELS, readout="multirocket_8", input="both"),
            },
        ),
        "hydra": Preset(
            source="Hydra, Dempster, Schmidt, Webb 2023, arXiv:2203.13652, section 3",
            differs="Kernels have length 1 instead of weights of absolute sum 1; 24 dilations of 64 kernels, of the "
            "series and of its first differences each, instead of powers of two of 512; the probes standardise, and do "
            "not mask zeros. 6,144 features. Nothing is trained, whatever the strategy.",
            genotype={**_FROZEN, **_bank("gaussian_kernel_bank", hidden=48 * 64, readout="hydra", input="both")},
        ),
        "multirocket_hydra": Preset(
            source="MultiRocket and Hydra side by side, Dempster, Schmidt, Webb 2023, arXiv:2203.13652, section 4",
            differs="As multirocket and hydra: 1,536 kernels of each, 52,224 features; all of them are standardised "
            "alike. Nothing is trained, whatever the strategy.",
            genotype={
                **_FROZEN,
                **_bank("mixed_kernel_bank", hidden=48 * 64, readout="multirocket_hydra", input="both"),
            },
        ),
        "rocket_contrastive": Preset(
            source="MiniRocket's kernels, arXiv:2012.08791, as the start of SimCLR, Chen et al. 2020, arXiv:2002.05709",
            differs="No publication trains such a bank: kernels and thresholds learn, by NT-Xent between two views "
            "that are warped in magnitude and resized. The loss compares 128 features, a linear map of the readout, "
            "thrown away after training. Six dilations of series and of first differences each, 4,032 features.",
            genotype={
                **_FROZEN,
                **views(_VIEW),
                "EmbedCell": {**TS2VEC["EmbedCell"], "head": 128},
                **_bank("trained_kernel_bank", hidden=12 * _KERNELS, readout="shares_4", input="both"),
            },
        ),
        "rocket_patches": Preset(
            source="MiniRocket's kernels, arXiv:2012.08791, read patch by patch as in the linear probe of PatchTST, "
            "Nie et al. 2023, arXiv:2211.14730",
            differs="No publication does so: for every variate by itself, after subtracting its last value, the mean "
            "responses of 48 kernels over 32 equal stretches of the window side by side. For forecasts. Nothing is "
            "trained, whatever the strategy.",
            genotype={
                **_FROZEN,
                **_bank("kernel_bank", hidden=48, readout="patches_32", normalization="last", channels="independent"),
            },
        ),
        "values": Preset(
            source="piecewise aggregate approximation, Keogh et al. 2001, doi:10.1007/PL00011669",
            differs="No encoder but the series itself: the mean of each variate over 128 equal stretches of the "
            "observed steps, one step each where there are no more. Training changes nothing but their scale.",
            genotype={
                **_FROZEN,
                **_bank("identity", hidden=1, readout="patches_128", channels="independent"),
            },
        ),
        "rocket_spectral": Preset(
            source=_LOG_DET + "MiniRocket's features, arXiv:2012.08791",
            differs="No publication joins the two: the bank of minirocket is frozen, and the linear embedding to 256 "
            "numbers is the optimum of the loss for windows that are warped in time and magnitude and resized.",
            genotype=_spectral("kernel_bank", hidden=12 * _KERNELS, readout="shares_8", strength=0.3),
        ),
        "hydra_spectral": Preset(
            source=_LOG_DET + "Hydra's features, arXiv:2203.13652",
            differs="As rocket_spectral, of 2,048 kernels in groups of eight that read the series and its first "
            "differences, sixteen dilations each.",
            genotype=_spectral("gaussian_kernel_bank", hidden=32 * 64, readout="hydra", strength=0.1, input="both"),
        ),
    }
)
