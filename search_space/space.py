"""The two spaces that come with the software: the default one and the full one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from search_space import registry
from search_space.choices import SearchSpace, SpaceError
from search_space.rules import CHANNELS, KERNELS, NONE, NORMALIZATIONS, POOLS

__all__ = ["SearchSpace", "SpaceError", "default_space", "full_space"]

# AutoCL's eleven strengths (Jing et al. 2024, arXiv:2403.12641)
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
TEMPERATURES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)

_STRENGTH_NAMES = ("ratio", "sigma")
_MODERATE = 0.5

# What the trials of the shipped bank cover: a comparator can rank nothing else.
_COVERED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "augmentation": ("crop", "frequency_mask", "jitter", "point_mask", "rescale", "resize"),
        "embedding_norm": ("batchnorm", "l2", "layernorm"),
        "pair": ("cross_scale", "instance", "neighbor", "temporal"),
        "similarity": ("cosine", "dot", "neg_euclidean"),
        "loss": ("info_nce", "nt_xent", "triplet"),
        "weighting": (),
        "auxiliary": (),
        "operator": (
            "conv1d",
            "decomposition_linear",
            "dilated_conv",
            "gated_dilated_conv",
            "gru",
            "identity",
            "patch_attention",
            "temporal_attention",
            "variate_attention",
        ),
        "readout": ("attention", "last", "max", "mean", "multiscale", "ppv"),
    }
)

ParameterChoices = Callable[[registry.Option, str], Iterable[float]]


def default_space() -> SearchSpace:
    """Return the space of the shipped bank and comparator: its options, moderate strengths, encoders of minutes.

    Option parameters draw from the registered choices; augmentations without
    those beyond a moderate strength (extreme ones destroy more than they teach)
    and without zero (which is the option's absence).
    """
    return _space(
        _COVERED,
        _moderate_choices,
        lengths=(0, 1, 2, 3),
        embed_strengths=(0.0, 0.1, 0.2),
        nodes=(2, 3, 4),
        blocks=(1, 2),
        hidden=(16, 32, 64),
        output=(64, 128),
        batch_size=(8, 16, 32),
    )


def full_space() -> SearchSpace:
    """Return everything that the software reckons with; it contains the default space.

    Strengths are AutoCL's eleven from 0 to 0.95 beside the registered choices.
    """
    return _space(
        {kind: tuple(registry.options(kind)) for kind in registry.PROVIDERS},
        _all_choices,
        lengths=(0, 1, 2, 3, 4),
        embed_strengths=STRENGTHS,
        nodes=(1, 2, 3, 4, 5, 6),
        blocks=(1, 2, 4),
        hidden=(16, 32, 64, 128),
        output=(64, 128, 256, 320),
        batch_size=(8, 16, 32, 64),
    )


def _moderate_choices(option: registry.Option, parameter: str) -> Iterable[float]:
    values = option.choices[parameter]
    if option.kind != "augmentation" or parameter not in _STRENGTH_NAMES:
        return values
    return [value for value in values if 0 < value <= _MODERATE] or values


def _all_choices(option: registry.Option, parameter: str) -> Iterable[float]:
    wider: tuple[float, ...] = ()
    if option.kind == "augmentation" and parameter in _STRENGTH_NAMES:
        wider = STRENGTHS
    elif parameter == "temperature":
        wider = TEMPERATURES
    return sorted({*option.choices[parameter], *wider})


def _parameters(kind: str, names: Iterable[str], choose: ParameterChoices) -> dict[str, tuple[float, ...]]:
    chosen = [registry.get(kind, name) for name in names]
    return {
        f"{option.name}.{parameter}": tuple(choose(option, parameter))
        for option in chosen
        for parameter in option.choices
    }


def _space(
    names: Mapping[str, tuple[str, ...]],
    choose: ParameterChoices,
    *,
    lengths: tuple[int, ...],
    embed_strengths: tuple[float, ...],
    nodes: tuple[int, ...],
    blocks: tuple[int, ...],
    hidden: tuple[int, ...],
    output: tuple[int, ...],
    batch_size: tuple[int, ...],
) -> SearchSpace:
    chain: dict[str, tuple[Any, ...]] = {
        "lengths": lengths,
        "options": names["augmentation"],
        **_parameters("augmentation", names["augmentation"], choose),
    }
    loss_parameters: dict[str, tuple[Any, ...]] = {}
    for kind in ("loss", "weighting", "auxiliary"):
        loss_parameters |= _parameters(kind, names[kind], choose)
    return SearchSpace(
        {
            "AugCell1": chain,
            "AugCell2": chain,
            "EmbedCell": {
                "jitter": embed_strengths,
                "mask": embed_strengths,
                "norm": (NONE, *names["embedding_norm"]),
            },
            "PairCell": {"kinds": names["pair"], "pool": POOLS, "kernel": KERNELS},
            "LossCell": {
                "loss": names["loss"],
                "similarity": names["similarity"],
                "weighting": (NONE, *names["weighting"]),
                "auxiliary": (NONE, *names["auxiliary"]),
                **loss_parameters,
            },
            "EncoderCell": {
                "nodes": nodes,
                "operators": names["operator"],
                "blocks": blocks,
                "hidden": hidden,
                "output": output,
                "dropout": (0.0, 0.1),
                "normalization": NORMALIZATIONS,
                "channels": CHANNELS,
                "readout": names["readout"],
            },
            "TrainCell": {
                "learning_rate": (3e-4, 1e-3, 3e-3),
                "batch_size": batch_size,
                "weight_averaging": (False, True),
            },
        }
    )
