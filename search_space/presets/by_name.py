"""Published models that no search tries of itself: they are there for whoever names them."""

from collections.abc import Mapping
from types import MappingProxyType

from search_space.presets._preset import TS2VEC, Preset, views
from search_space.presets.encoders import TAUGHT_BY_TS2VEC, encoder_cell, taught_by_ts2vec

_WITRAN = "As the preset witran, "

BY_NAME: Mapping[str, Preset] = MappingProxyType(
    {
        "can": Preset(
            source="CAN, Bian et al. 2022, WSDM, arXiv:2011.05625, before a transformer over time, Vaswani et al. 2017",
            differs="The paper joins features of clicks, which have no time. Here the embedding of a variate is its "
            "history, a filter over the last 88 steps (inferred); variates interact, the result is joined with the "
            "embedding, and the raw values are added; two layers of attention over time follow, each with a second "
            "residual connection that the graph's rule asks for. " + TAUGHT_BY_TS2VEC,
            genotype=taught_by_ts2vec(
                (0, "decomposition_linear"),
                (0, "identity"),
                (1, "co_action"),
                (2, "identity"),
                (2, "temporal_attention"),
                (3, "identity"),
                (3, "temporal_attention"),
                blocks=1,
                hidden=64,
            ),
        ),
        "fieldy": Preset(
            source="Fieldy, Azorin et al. 2024, arXiv:2406.15327, section 3",
            differs="The table's rows are steps and its columns variates. After the two attentions side by side the "
            "paper lets all values attend to all; here those of a step attend to each other and those of a variate to "
            "each other, both added up and twice, because all pairs of steps and variates are too many. Values of all "
            "columns are embedded by one map. Width 64 (inferred). " + TAUGHT_BY_TS2VEC,
            genotype=taught_by_ts2vec(
                (0, "both_axes_attention"),
                (1, "temporal_attention"),
                (1, "variate_attention"),
                (2, "temporal_attention"),
                (2, "variate_attention"),
                blocks=1,
                hidden=64,
                normalization="none",
            ),
        ),
        "ft_transformer": Preset(
            source="FT-Transformer, Gorishniy et al. 2021, arXiv:2106.11959, section 3.3",
            differs="A model of one row of a table: three layers in which the values of a step attend to each other, "
            "and no layer over time, so where the readout is the last step it knows that step only. Values of all "
            "columns are embedded by one map, so that any number of variates works; the representations of all "
            "variates side by side take the place of the token CLS. Width 64 instead of 192. " + TAUGHT_BY_TS2VEC,
            genotype=taught_by_ts2vec((0, "variate_attention"), blocks=3, hidden=64, normalization="none"),
        ),
        "mmoe": Preset(
            source="MMoE, Ma et al. 2018, KDD, doi:10.1145/3219819.3220007, behind WITRAN, Jia et al. 2023, NeurIPS 36",
            differs="Tasks are variates: one WITRAN for all of them is the shared bottom, and every variate has a gate "
            "of its own over experts that all share (see the operator). " + TAUGHT_BY_TS2VEC,
            genotype=taught_by_ts2vec(
                (0, "witran"), (0, "identity"), (1, "mmoe"), blocks=1, hidden=64, normalization="last"
            ),
        ),
        "patchtst_pretext": Preset(
            source="PatchTST, Nie et al. 2023, arXiv:2211.14730, section 3.2 and appendix A.1.4 (self-supervised)",
            differs="Nothing is contrasted, as published: hidden patches are predicted, and that is all. The encoder, "
            "and what it does otherwise, is that of our `patchtst`, whose linear map to values works step by step.",
            genotype={
                **TS2VEC,
                **views([]),
                "PairCell": {"instance": True, "pool": "avg", "kernel": 0},
                "LossCell": {
                    "loss": "none",
                    "similarity": "none",
                    "auxiliary": ["masked_reconstruction", {"weight": 1.0}],
                },
                "EncoderCell": encoder_cell((0, "patch_attention"), blocks=3, hidden=128, readout="mean"),
                "TrainCell": {"learning_rate": 0.001, "batch_size": 32, "weight_averaging": False},
            },
        ),
        "witran_conv": Preset(
            source="WITRAN, Jia et al. 2023, NeurIPS 36, with gates as in ConvLSTM, Shi et al. 2015, arXiv:1506.04214",
            differs=_WITRAN + "with convolutions over features in place of the gates' linear maps: a tenth of the "
            "weights. No publication does so. " + TAUGHT_BY_TS2VEC,
            genotype=taught_by_ts2vec((0, "witran_conv"), blocks=2, hidden=64, normalization="last", channels="mixed"),
        ),
        "witran_frequency": Preset(
            source="WITRAN, Jia et al. 2023, NeurIPS 36, section 3, with the memory of SFM, Hu and Qi 2017, PMLR 70",
            differs=_WITRAN + "with a memory of frequencies beside the state of either direction. No publication does "
            "so. " + TAUGHT_BY_TS2VEC,
            genotype=taught_by_ts2vec(
                (0, "witran_frequency"), blocks=2, hidden=64, normalization="last", channels="mixed"
            ),
        ),
        "witran_signed": Preset(
            source="WITRAN, Jia et al. 2023, NeurIPS 36, section 3",
            differs=_WITRAN + "that reads rises and falls from step to step apart. Two encoders, one for windows that "
            "go on to rise and one for those that fall, would need labels; which way a step went does not. "
            + TAUGHT_BY_TS2VEC,
            genotype=taught_by_ts2vec(
                (0, "witran"), blocks=2, hidden=64, normalization="last", channels="mixed", input="signed"
            ),
        ),
    }
)
"""Name -> preset, none of which is among `PRESETS`."""
