"""Published contrastive strategies, each beside its own encoder or a stack that stands for it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from search_space.genotype.notes import NOTES_ENCODER, from_notes
from search_space.presets._preset import TS2VEC, Preset, views

_NOTES_STRATEGY: Mapping[str, Any] = MappingProxyType(
    {
        "AugCell1": {
            "enabled_ops": ["jittering", "resize", "frequency_masking"],
            "params": {"jittering": 0.1, "resize": 0.4, "frequency_masking": 0.3},
        },
        "AugCell2": {"enabled_ops": ["frequency_masking"], "params": {"frequency_masking": 0.1}},
        "EmbedCell": {"embedding_jittering": 0.1, "embedding_masking": 0.1, "normalization": "l2"},
        "PairCell": {"temporal": False, "pool_type": "max", "kernel": 3},
        "LossCell": {"loss": "NTXent", "sim": "cosine", "temperature": 0.2},
    }
)

# TS2Vec's stack of dilated convolutions, less deep
_STACK = {**TS2VEC["EncoderCell"], "blocks": 4, "output": 128, "readout": "mean"}
_SIMCLR_VIEW = [["crop", {"ratio": 0.5}], ["rescale", {"sigma": 0.3}], ["jitter", {"sigma": 0.1}]]
_GGS_VIEW = [
    ["resize", {"ratio": 0.2}],
    ["rescale", {"sigma": 0.3}],
    ["point_mask", {"ratio": 0.2}],
    ["crop", {"ratio": 0.2}],
]
_COST_VIEW = [["rescale", {"sigma": 0.2}], ["drift", {"sigma": 0.2}], ["jitter", {"sigma": 0.2}]]

STRATEGIES: Mapping[str, Preset] = MappingProxyType(
    {
        "ts2vec": Preset(
            source="TS2Vec, Yue et al. 2022, arXiv:2106.10466, sections 2 and 3, and its published defaults",
            differs="A mask per time step, drawn exactly once per view; NT-Xent takes the place of the two dual "
            "losses, whose negatives it shares; the closing block to 320 channels is a linear map.",
            genotype=TS2VEC,
        ),
        "simclr": Preset(
            source="SimCLR, Chen et al. 2020, arXiv:2002.05709, eq. (1), temperature of its CIFAR-10 appendix",
            differs="Crop, rescaling and jitter stand for the image augmentations (inferred); no projection head; "
            "a stack of dilated convolutions instead of a ResNet; Adam with a constant rate.",
            genotype={
                **TS2VEC,
                **views(_SIMCLR_VIEW),
                "PairCell": {"instance": True, "pool": "avg", "kernel": 0},
                "LossCell": {"loss": "nt_xent", "similarity": "cosine", "temperature": 0.5},
                "EncoderCell": _STACK,
                "TrainCell": {"learning_rate": 0.001, "batch_size": 64, "weight_averaging": False},
            },
        ),
        "notes_best": Preset(
            source="The design notes' best pair of strategy and encoder",
            differs="Inferred: the operators behind the integers (notes.NOTES_OPERATORS), that instance pairs are "
            "on, the encoder's hyperparameters and the training settings (documented at notes.from_notes).",
            genotype=from_notes(_NOTES_STRATEGY, NOTES_ENCODER),
        ),
        "autocl_ggs": Preset(
            source="Generally Good Strategy of AutoCL, Jing et al. 2024, arXiv:2403.12641",
            differs="Inferred, not checked against released code: every strength, the order of the augmentations, "
            "pooling and kernel, InfoNCE on a distance with temperature 1. Not part of the strategy and taken from "
            "TS2Vec, as the paper's encoder is: the encoder and the training settings. Both views share one chain.",
            genotype={
                **TS2VEC,
                **views(_GGS_VIEW),
                "EmbedCell": {"jitter": 0.7, "mask": 0.1, "norm": "none"},
                "PairCell": {"instance": True, "pool": "avg", "kernel": 5},
                "LossCell": {"loss": "info_nce", "similarity": "neg_euclidean", "temperature": 1.0},
            },
        ),
        "ts_tcc": Preset(
            source="TS-TCC, Eldele et al. 2021, arXiv:2106.14112, section 3, and its published settings",
            differs="Temporal pairs stand for the cross-view prediction of future steps by a transformer, and count as "
            "much as the contextual pairs (published: 1 to 0.7). The weak view scales by factors around 1 (published "
            "code: around 2), the strong one has 5 segments on average (published for HAR: at most 8), and sigmas "
            "are milder than the published 1.1 and 0.8 (inferred). Dilated convolutions instead of three "
            "convolution blocks; batches of 64, as many as a loss contrasts, instead of 128.",
            genotype={
                **TS2VEC,
                **views(
                    [["rescale", {"sigma": 0.5}], ["jitter", {"sigma": 0.1}]],
                    [["permute", {"segments": 5.0}], ["jitter", {"sigma": 0.5}]],
                ),
                "PairCell": {"instance": True, "temporal": True, "pool": "avg", "kernel": 0},
                "LossCell": {"loss": "nt_xent", "similarity": "cosine", "temperature": 0.2},
                "EncoderCell": _STACK,
                "TrainCell": {"learning_rate": 0.0003, "batch_size": 64, "weight_averaging": False},
            },
        ),
        "cost": Preset(
            source="CoST, Woo et al. 2022, arXiv:2202.01575, section 3, and its published defaults",
            differs="The time-domain loss alone, on the window's mean instead of a step drawn at random and with the "
            "batch's negatives instead of a momentum encoder and its queue; the frequency-domain loss on amplitudes "
            "and phases is gone, and so are the trend and season heads behind the backbone, which is TS2Vec's. Drift "
            "stands for the random shift; scale, shift and jitter always act, at 0.2, where the published ones act "
            "half of the time at 0.5 (inferred). Batches of 64, as many as a loss contrasts.",
            genotype={
                **TS2VEC,
                **views(_COST_VIEW),
                "PairCell": {"instance": True, "pool": "avg", "kernel": 0},
                "LossCell": {"loss": "info_nce", "similarity": "cosine", "temperature": 0.07},
                "EncoderCell": {**TS2VEC["EncoderCell"], "readout": "last"},
                "TrainCell": {"learning_rate": 0.001, "batch_size": 64, "weight_averaging": True},
            },
        ),
        "paano": Preset(
            source="PaAno, Park and Kang 2026, arXiv:2602.01359, section 3, and its published settings",
            differs="Positives are crops that lack at most a tenth of a patch, where the paper takes the patch "
            "one or two steps away; all other patches of the batch are negatives instead of the farthest; no "
            "pretext loss on the order of patches, which acts in the first tenth of its training. Four convolutions of "
            "width 64 and three taps instead of 128 to 64 with seven to three and batch normalisation; mean and size "
            "that instance normalisation takes away stand beside the representation. Batches of 64, as many as a "
            "loss contrasts, with Adam at a constant 1e-3 instead of 512 with AdamW falling from 1e-4. The memory "
            "of normal patches is a part of every anomaly score here, with the nearest patch instead of three.",
            genotype={
                **TS2VEC,
                **views([["crop", {"ratio": 0.1}]]),
                "EmbedCell": {**TS2VEC["EmbedCell"], "head": 256},
                "PairCell": {"instance": True, "pool": "avg", "kernel": 0},
                "LossCell": {"loss": "triplet", "similarity": "cosine", "margin": 0.5},
                "EncoderCell": {
                    **_STACK,
                    "edges": [[0, "conv1d"]],
                    "hidden": 64,
                    "output": 0,
                    "dropout": 0.0,
                    "normalization": "instance",
                },
                "TrainCell": {"learning_rate": 0.001, "batch_size": 64, "weight_averaging": False},
            },
        ),
        "vicreg": Preset(
            source="VICReg, Bardes et al. 2022, arXiv:2105.04906, section 4 and its published weights",
            differs="The views of our SimCLR preset stand for the image augmentations (inferred); no expander stands "
            "between the representation and the loss, a stack of dilated convolutions instead of a ResNet, batches "
            "of 64 instead of 2048 with AdamW instead of LARS.",
            genotype={
                **TS2VEC,
                **views(_SIMCLR_VIEW),
                "PairCell": {"instance": True, "pool": "avg", "kernel": 0},
                "LossCell": {"loss": "vicreg", "similarity": "none"}
                | {"invariance": 25.0, "variance": 25.0, "covariance": 1.0},
                "EncoderCell": _STACK,
                "TrainCell": {"learning_rate": 0.001, "batch_size": 64, "weight_averaging": False},
            },
        ),
    }
)
