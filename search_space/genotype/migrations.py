"""Brings older and foreign genotype dicts into the present form.

Names on disk are never renamed without a step here. The one foreign form is
that of the design notes: augmentations as `enabled_ops` with `params`, and the
encoder as `[node, integer]`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from search_space.genotype.validation import GenotypeError, Problems, is_list
from search_space.sentences import nearest

SCHEMA = 1

# Most likely meaning: AutoCTS++'s list without its graph convolution.
NOTES_OPERATORS = ("identity", "gated_dilated_conv", "temporal_attention", "variate_attention")

# The notes spell every augmentation in two ways.
_NOTES_AUGMENTATIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        spelling: (name, parameter)
        for name, other, parameter in (
            ("jitter", "jittering", "sigma"),
            ("rescale", "rescaling", "sigma"),
            ("resize", "resizing", "ratio"),
            ("crop", "cropping", "ratio"),
            ("point_mask", "point_masking", "ratio"),
            ("frequency_mask", "frequency_masking", "ratio"),
        )
        for spelling in (name, other)
    }
)
_NOTES_LOSSES = MappingProxyType({"InfoNCE": "info_nce", "NTXent": "nt_xent"})
_NOTES_EMBED = MappingProxyType({"embedding_jittering": "jitter", "embedding_masking": "mask", "normalization": "norm"})
_NOTES_PAIRS = MappingProxyType({"multiscale": "cross_scale", "pool_type": "pool"})

# What the notes do not say: TS2Vec's values where it has them, otherwise the middle of the default space.
_ENCODER_DEFAULTS = MappingProxyType(
    {
        "blocks": 1,
        "hidden": 64,
        "output": 128,
        "dropout": 0.1,
        "normalization": "none",
        "channels": "independent",
        "readout": "max",
    }
)
_TRAIN_DEFAULTS = MappingProxyType({"learning_rate": 0.001, "batch_size": 32, "weight_averaging": True})
# The notes always contrast instances and name only what may be added.
_PAIR_DEFAULTS = MappingProxyType({"instance": True, "pool": "max", "kernel": 0})


def upgrade(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a genotype dict in the present schema; cells are checked later.

    Raises:
        GenotypeError: If the schema is not one that this version reads, or the
            notes' form is not convertible.
    """
    views = data.get("AugCell1"), data.get("AugCell2")
    if any(isinstance(view, Mapping) and "enabled_ops" in view for view in views):
        return _from_notes_dict(data)
    problems = Problems()
    schema = data.get("schema", SCHEMA)  # a missing field is reported with the other fields
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        problems.add("schema", f"must be a whole number in 1..{SCHEMA}", schema)
    elif schema > SCHEMA:
        problems.add("schema", f"must be at most {SCHEMA} (written by a newer version)", schema)
    problems.raise_any()
    return dict(data)


def from_notes(
    contrastive: Mapping[str, Any], encoder: Sequence[Sequence[Any]], operators: Sequence[str] = NOTES_OPERATORS
) -> dict[str, Any]:
    """Return the dict form of the notes' contrastive dict and integer-coded encoder.

    What the notes leave open is filled in: instance pairs are on, the other kinds
    off unless named; one block, hidden 64, output 128, dropout 0.1, no input
    normalization, independent variates, readout max; learning rate 0.001,
    batches of 32, averaged weights.

    Args:
        contrastive: Cells AugCell1, AugCell2, EmbedCell, PairCell, LossCell.
        encoder: `[node, code]` per edge.
        operators: Name of the operator that each code stands for.

    Raises:
        GenotypeError: If a name or code of the notes is unknown. Values and the
            graph are checked by `Genotype.from_dict`.
    """
    problems = Problems()
    result: dict[str, Any] = {"schema": SCHEMA}
    problems.cell("", contrastive, required=("AugCell1", "AugCell2", "EmbedCell", "PairCell", "LossCell"))
    problems.raise_any()
    for cell in ("AugCell1", "AugCell2"):
        result[cell] = _notes_chain(contrastive[cell], cell, problems)
    result["EmbedCell"] = {"jitter": 0.0, "mask": 0.0, "norm": "none"} | _renamed(
        contrastive["EmbedCell"], "EmbedCell", _NOTES_EMBED, problems
    )
    result["PairCell"] = {**_PAIR_DEFAULTS} | _renamed(contrastive["PairCell"], "PairCell", _NOTES_PAIRS, problems)
    result["LossCell"] = _notes_loss(contrastive["LossCell"], problems)
    result["EncoderCell"] = {"edges": _notes_edges(encoder, operators, problems), **_ENCODER_DEFAULTS}
    result["TrainCell"] = dict(_TRAIN_DEFAULTS)
    problems.raise_any()
    return result


def _from_notes_dict(data: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the notes' form with its encoder beside it in one dict."""
    if "EncoderCell" not in data:
        raise GenotypeError("EncoderCell: the notes' form needs its encoder as [[node, code], ...], got nothing")
    encoder = data["EncoderCell"]
    extra: Mapping[str, Any] = {}
    if isinstance(encoder, Mapping):
        extra = {name: value for name, value in encoder.items() if name != "edges"}
        encoder = encoder.get("edges", ())
    contrastive = {name: cell for name, cell in data.items() if name not in ("schema", "EncoderCell", "TrainCell")}
    result = from_notes(contrastive, encoder)
    result["EncoderCell"].update(extra)
    train = data.get("TrainCell", {})
    result["TrainCell"] = {**_TRAIN_DEFAULTS, **train} if isinstance(train, Mapping) else train
    return result


def _notes_chain(value: Any, where: str, problems: Problems) -> list[list[Any]]:
    cell = problems.cell(where, value, required=("enabled_ops", "params"))
    if cell is None:
        return []
    chain: list[list[Any]] = []
    parameters = problems.mapping(f"{where}.params", cell["params"])
    if not is_list(cell["enabled_ops"]):
        problems.add(f"{where}.enabled_ops", "must be a list of names", cell["enabled_ops"])
        return []
    if parameters is None:
        return []
    for name in cell["enabled_ops"]:
        if problems.name(f"{where}.enabled_ops", name, _NOTES_AUGMENTATIONS, what="augmentation of the notes"):
            option, parameter = _NOTES_AUGMENTATIONS[name]
            if name in parameters:
                chain.append([option, {parameter: parameters[name]}])
            else:
                problems.add(f"{where}.params", f"must hold the strength of {name!r}", dict(parameters))
    return chain


def _renamed(value: Any, where: str, names: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    cell = problems.mapping(where, value)
    return {} if cell is None else {names.get(name, name): entry for name, entry in cell.items()}


def _notes_loss(value: Any, problems: Problems) -> dict[str, Any]:
    cell = problems.cell("LossCell", value, required=("loss", "sim", "temperature"))
    if cell is None:
        return {}
    loss = problems.name("LossCell.loss", cell["loss"], _NOTES_LOSSES, what="loss of the notes")
    similarity = problems.name("LossCell.sim", cell["sim"], ("cosine", "dot"), what="similarity of the notes")
    return {"loss": _NOTES_LOSSES.get(loss, ""), "similarity": similarity, "temperature": cell["temperature"]}


def _notes_edges(value: Any, operators: Sequence[str], problems: Problems) -> list[list[Any]]:
    if not is_list(value):
        problems.add("EncoderCell", "must be a list of [node, code]", value)
        return []
    edges: list[list[Any]] = []
    for index, entry in enumerate(value):
        where = f"EncoderCell.edges[{index}]"
        if not is_list(entry) or len(entry) != 2:
            problems.add(where, "must be [node, code]", entry)
            continue
        node, code = entry
        if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code < len(operators):
            problems.add(where, f"code must be in 0..{len(operators) - 1}", code, hint=nearest("", operators))
            continue
        edges.append([node, operators[code]])
    return edges
