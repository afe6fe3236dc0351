"""Published encoders, each beside a strategy that can teach it without labels."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from search_space.presets._preset import TS2VEC, Preset, views

TAUGHT_BY_TS2VEC = "The paper trains on the forecast itself; here TS2Vec's strategy and training settings teach it. "


def encoder_cell(*edges: tuple[int, str], blocks: int, hidden: int, **others: Any) -> dict[str, Any]:
    """Return an EncoderCell in the dict form; the representation is as wide as the latent."""
    sizes = {"edges": [list(edge) for edge in edges], "blocks": blocks, "hidden": hidden, "output": hidden}
    usual = {"dropout": 0.1, "normalization": "instance", "channels": "independent", "readout": "last"}
    return {**sizes, **usual, **others}


def taught_by_ts2vec(*edges: tuple[int, str], **encoder: Any) -> dict[str, Any]:
    """Return a genotype of such an encoder with TS2Vec's strategy."""
    return {**TS2VEC, "EncoderCell": encoder_cell(*edges, **encoder)}


ENCODERS: Mapping[str, Preset] = MappingProxyType(
    {
        "dlinear": Preset(
            source="DLinear, Zeng et al. 2023, arXiv:2205.13504, section 4",
            differs=TAUGHT_BY_TS2VEC + "64 features per variate take the place of the forecast steps, so one filter "
            "per feature stands for one row of the linear layer; filters of 88 steps, so that any window works, and "
            "an average that looks back only (see the operator).",
            genotype=taught_by_ts2vec(
                (0, "decomposition_linear"), blocks=1, hidden=64, dropout=0.0, normalization="none"
            ),
        ),
        "itransformer": Preset(
            source="iTransformer, Liu et al. 2024, arXiv:2310.06625, section 3",
            differs=TAUGHT_BY_TS2VEC + "A token is a variate at one step: a filter over the last 88 steps embeds the "
            "history (inferred to stand for the linear embedding of the whole window), then two layers of attention "
            "across variates follow, each with a second residual connection that the graph's rule asks for. Width "
            "64 instead of 512, so that minutes of CPU time suffice.",
            genotype=taught_by_ts2vec(
                (0, "decomposition_linear"),
                (1, "identity"),
                (1, "variate_attention"),
                (2, "identity"),
                (2, "variate_attention"),
                blocks=1,
                hidden=64,
            ),
        ),
        "patchtst": Preset(
            source="PatchTST, Nie et al. 2023, arXiv:2211.14730, sections 3.1 and 3.2 and appendix A.1.4",
            differs="The paper pretrains by masked reconstruction alone, as `patchtst_pretext` does; here NT-Xent "
            "between two lightly scaled views (inferred) stands beside the reconstruction. Three layers of width "
            "128 as published, but each splits the latent into patches anew and adds them to its steps, with patches "
            "of 8 instead of 12 steps, and ends in dropout 0.1 instead of 0.2.",
            genotype={
                **TS2VEC,
                **views([["rescale", {"sigma": 0.1}]]),
                "PairCell": {"instance": True, "pool": "avg", "kernel": 0},
                "LossCell": {
                    "loss": "nt_xent",
                    "similarity": "cosine",
                    "temperature": 0.5,
                    "auxiliary": ["masked_reconstruction", {"weight": 1.0}],
                },
                "EncoderCell": encoder_cell((0, "patch_attention"), blocks=3, hidden=128, readout="mean"),
                "TrainCell": {"learning_rate": 0.001, "batch_size": 32, "weight_averaging": False},
            },
        ),
        "timesnet": Preset(
            source="TimesNet, Wu et al. 2023, arXiv:2210.02186, section 3",
            differs=TAUGHT_BY_TS2VEC + "Two blocks of width 32 over mixed variates; the embedding is a linear map "
            "without positions or time stamps, and the series is not first extended to the forecast steps. How a "
            "block finds its periods differs as its operator says.",
            genotype=taught_by_ts2vec((0, "times_block"), blocks=2, hidden=32, channels="mixed", readout="mean"),
        ),
        "timexer": Preset(
            source="TimeXer, Wang et al. 2024, arXiv:2402.19072, section 3",
            differs=TAUGHT_BY_TS2VEC + "Every variate is endogenous in turn with the others as exogenous ones (the "
            "paper's multivariate form); two blocks, each of which splits the latent into patches anew, with a "
            "global token of its own. Width 64 instead of 128 to 512, so that minutes of CPU time suffice.",
            genotype=taught_by_ts2vec((0, "cross_variate_attention"), blocks=2, hidden=64),
        ),
        "tsmixer": Preset(
            source="TSMixer, Chen et al. 2023, arXiv:2303.06053, section 3.2",
            differs=TAUGHT_BY_TS2VEC + "Four blocks of width 64 (inferred: the paper tunes both); streams "
            "are variates, so a feature mixes 64 latent channels and the mean of the others, where the paper mixes "
            "the variates themselves. Time is mixed by lag, not by place in the window.",
            genotype=taught_by_ts2vec((0, "mixer"), blocks=4, hidden=64),
        ),
        "witran": Preset(
            source="WITRAN, Jia et al. 2023, NeurIPS 36, section 3",
            differs=TAUGHT_BY_TS2VEC + "Two layers of width 64 and the last value taken away (inferred); rows of the "
            "grid have a fixed number of steps instead of the data's period, time stamps are no input, and every step "
            "keeps a state where the paper hands on those at the grid's edges.",
            genotype=taught_by_ts2vec((0, "witran"), blocks=2, hidden=64, normalization="last", channels="mixed"),
        ),
    }
)
