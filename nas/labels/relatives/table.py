"""The supervised relatives by name: their encoders, where they come from, and what differs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from nas.labels.relatives.names import NAMES, OF_PRESETS
from search_space.genotype import EncoderCell
from search_space.presets import NAMED, preset
from search_space.registry import UnknownOptionError
from search_space.sentences import nearest

Form = Literal["cell", "variates_first", "feature_tokens"]


@dataclass(frozen=True)
class Relative:
    """A published forecaster, as far as it is made of this project's operators.

    Args:
        encoder: The genes of its encoder; the readout is not used.
        source: The paper.
        differs: From the paper, in words.
        form: What is built of the genes, see `forms`.
    """

    encoder: EncoderCell
    source: str
    differs: str
    form: Form = "cell"


def _cell(operator: str, *, blocks: int, hidden: int = 64, **others: Any) -> EncoderCell:
    usual = {"dropout": 0.1, "normalization": "instance", "channels": "mixed", "readout": "last"}
    return EncoderCell(edges=((0, operator),), blocks=blocks, hidden=hidden, output=hidden, **{**usual, **others})


def _preset(name: str) -> Relative:
    return Relative(preset(name, kind="forecasting").encoder, NAMED[name].source, NAMED[name].differs)


_RECURRENT = "Two layers of width 64 and the last value taken away (inferred); the head reads the state of every step."

_OTHERS: Mapping[str, Relative] = MappingProxyType(
    {
        "mts_mixers": Relative(
            _cell("factorized_mixer", blocks=2, channels="independent"),
            source="MTS-Mixers, Li et al. 2023, arXiv:2302.04501, factorised MLP",
            differs="Two blocks of width 64 (inferred); what a block differs in, its operator says.",
        ),
        "lstm": Relative(
            _cell("lstm", blocks=2, normalization="last"),
            source="LSTM, Hochreiter and Schmidhuber 1997, Neural Computation 9(8)",
            differs=_RECURRENT,
        ),
        "mogrifier_lstm": Relative(
            _cell("mogrifier_lstm", blocks=2, normalization="last"),
            source="Mogrifier LSTM, Melis et al. 2020, arXiv:1909.01792",
            differs=_RECURRENT,
        ),
        "ft_transformer": Relative(
            _cell("variate_attention", blocks=3),
            source="FT-Transformer, Gorishniy et al. 2021, arXiv:2106.11959, section 3.3",
            differs="A row of its table is a step of the window, a feature a variate: steps know nothing of each other "
            "before the head. Width 64 instead of 192.",
            form="feature_tokens",
        ),
        "can": Relative(
            _cell("temporal_attention", blocks=2),
            source="After CAN, Bian et al. 2022, WSDM, arXiv:2011.05625: features act on each other before all else",
            differs="For series: a variate's history is its embedding, and attention takes the place of the paper's "
            "micro networks; the result goes, beside the series itself, through a transformer of two layers.",
            form="variates_first",
        ),
    }
)


def relative(name: str) -> Relative:
    """Return the relative of that name.

    Raises:
        UnknownOptionError: If there is none; names the nearest.
    """
    if name not in NAMES:
        raise UnknownOptionError(f"baseline: unknown name, got {name!r}{nearest(name, NAMES)}")
    return _preset(name) if name in OF_PRESETS else _OTHERS[name]
