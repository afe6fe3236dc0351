"""The form of the design notes: augmentations as `enabled_ops` with `params`, and the encoder as `[node, integer]`."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from search_space import registry
from search_space.genotype.validation import Problems, is_list
from search_space.sentences import nearest, one_line

_SCHEMA = 1  # what is converted is in this one, and migrates from there

# Most likely meaning: AutoCTS++'s list without its graph convolution, which the notes advise against.
NOTES_OPERATORS = ("identity", "gated_dilated_conv", "temporal_attention", "variate_attention")
AUTOCTS_OPERATORS = (
    "identity",
    "gated_dilated_conv",
    "graph_convolution",
    "temporal_attention",
    "variate_attention",
)
"""AutoCTS++'s whole list, with `diff_gcn`: what a code of 4 can only mean."""
NOTES_ENCODER = ((0, 2), (0, 0), (1, 0), (0, 1), (2, 1), (1, 2), (3, 3))
"""The encoder of the notes' best pair; the notes' own draws name none."""

# AutoCTS's names of its operators
_OPERATOR_NAMES = MappingProxyType(
    {
        "skip_connect": "identity",
        "dcc_1": "gated_dilated_conv",
        "dcc_2": "gated_dilated_conv",
        "gdcc": "gated_dilated_conv",
        "diff_gcn": "graph_convolution",
        "trans": "temporal_attention",
        "s_trans": "variate_attention",
    }
)
# The notes spell every augmentation in two ways.
AUGMENTATIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
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
LOSSES = MappingProxyType({"InfoNCE": "info_nce", "NTXent": "nt_xent"})
SIMILARITIES = ("cosine", "dot")
_EMBED = MappingProxyType({"embedding_jittering": "jitter", "embedding_masking": "mask", "normalization": "norm"})
_PAIRS = MappingProxyType({"multiscale": "cross_scale", "pool_type": "pool"})

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


class NotesWarning(UserWarning):
    """Something was read in the notes' form; the message says what was read how.

    Args:
        what: That was read.
        readings: Each of them a clause.
    """

    def __init__(self, what: str, readings: Iterable[str]) -> None:
        super().__init__(one_line(f"{what}; {'; '.join(readings)}", longest=2000))


def is_notes_form(data: Mapping[str, Any]) -> bool:
    """Return whether a genotype is written as the notes write it."""
    views = data.get("AugCell1"), data.get("AugCell2")
    return any(isinstance(view, Mapping) and "enabled_ops" in view for view in views)


def from_notes(
    contrastive: Mapping[str, Any], encoder: Sequence[Sequence[Any]], operators: Sequence[str] = NOTES_OPERATORS
) -> dict[str, Any]:
    """Return the dict form of the notes' contrastive dict and integer-coded encoder.

    What the notes leave open is filled in: instance pairs are on, the other kinds
    off unless named; one block, hidden 64, output 128, dropout 0.1, no input
    normalization, independent variates, readout max; learning rate 0.001,
    batches of 32, averaged weights. Temperature 0 is the smallest registered one.

    Args:
        contrastive: Cells AugCell1, AugCell2, EmbedCell, PairCell, LossCell.
        encoder: `[node, code]` per edge.
        operators: Name of the operator that each code stands for, as here or as in AutoCTS.

    Raises:
        GenotypeError: If a name or code of the notes is unknown. Values and the
            graph are checked by `Genotype.from_dict`.
    """
    problems = Problems()
    result: dict[str, Any] = {"schema": _SCHEMA}
    problems.cell("", contrastive, required=("AugCell1", "AugCell2", "EmbedCell", "PairCell", "LossCell"))
    problems.raise_any()
    for cell in ("AugCell1", "AugCell2"):
        result[cell] = _chain(contrastive[cell], cell, problems)
    result["EmbedCell"] = {"jitter": 0.0, "mask": 0.0, "norm": "none"} | _renamed(
        contrastive["EmbedCell"], "EmbedCell", _EMBED, problems
    )
    result["PairCell"] = {**_PAIR_DEFAULTS} | _renamed(contrastive["PairCell"], "PairCell", _PAIRS, problems)
    result["LossCell"] = _loss(contrastive["LossCell"], problems)
    result["EncoderCell"] = {"edges": _edges(encoder, operator_names(operators), problems), **_ENCODER_DEFAULTS}
    result["TrainCell"] = dict(_TRAIN_DEFAULTS)
    problems.raise_any()
    return result


def read_notes(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Convert the notes' form, with or without its encoder beside it in one dict.

    Returns:
        The present form, and what was read how, a clause each.

    Raises:
        GenotypeError: As `from_notes`.
    """
    encoder, extra, operators, readings = _encoder(data)
    contrastive = {name: cell for name, cell in data.items() if name not in ("schema", "EncoderCell", "TrainCell")}
    result = from_notes(contrastive, encoder, operators)
    result["EncoderCell"].update(extra)
    train = data.get("TrainCell", {})
    if not isinstance(train, Mapping):
        return {**result, "TrainCell": train}, readings  # whoever checks the cells says what is wrong
    result["TrainCell"] = {**_TRAIN_DEFAULTS, **train}
    return result, [*_readings(data, result), *readings]


def operator_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return our names of operators that may have AutoCTS's."""
    return tuple(_OPERATOR_NAMES.get(name, name) if isinstance(name, str) else name for name in names)


def temperature(value: Any, loss: str) -> Any:
    """Return a temperature, for which the notes draw 0 too: that is the smallest one."""
    zero = isinstance(value, int | float) and value is not False and value == 0
    return min(registry.get("loss", loss).choices["temperature"]) if zero else value


def renamed(names: Iterable[Any], known: Mapping[str, Any]) -> list[str]:
    """Return the clause parts `theirs as ours` of the names that we have another word for."""
    pairs = [(name, known.get(name)) for name in names if isinstance(name, str)]
    ours = [(name, found[0] if isinstance(found, tuple) else found) for name, found in pairs]
    return [f"{name} as {here}" for name, here in ours if here not in (None, name)]


def _encoder(data: Mapping[str, Any]) -> tuple[Any, dict[str, Any], tuple[str, ...], list[str]]:
    """Return the edges, what else is said of the encoder, what its codes mean, and how that was read."""
    encoder = data.get("EncoderCell", NOTES_ENCODER)
    given = ["EncoderCell as that of the notes' best pair (none was given)"] if "EncoderCell" not in data else []
    extra: dict[str, Any] = {}
    if isinstance(encoder, Mapping):
        extra = {name: value for name, value in encoder.items() if name != "edges"}
        encoder = encoder.get("edges", ())
    operators = operator_names(extra.pop("operators")) if is_list(extra.get("operators")) else None
    if operators is None:
        codes = [edge[1] for edge in encoder if is_list(edge) and len(edge) == 2] if is_list(encoder) else []
        whole = max((code for code in codes if isinstance(code, int)), default=0) == len(AUTOCTS_OPERATORS) - 1
        operators = AUTOCTS_OPERATORS if whole else NOTES_OPERATORS
    meaning = ", ".join(f"{code} {name}" for code, name in enumerate(operators))
    open_ = [f"{name} {value}" for name, value in _ENCODER_DEFAULTS.items() if name not in extra]
    filled = [f"its other fields as {', '.join(open_)}"] if open_ else []
    return encoder, extra, operators, [*given, f"the encoder's operators as {meaning}", *filled]


def _readings(data: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    """Return what was read how in the cells beside the encoder."""
    readings = []
    for cell in ("AugCell1", "AugCell2"):
        words = renamed(data[cell]["enabled_ops"], AUGMENTATIONS)
        readings += [f"{cell}: {', '.join(words)}"] if words else []
        zero = [name for name, parameters in result[cell] if not any(parameters.values())]
        readings += [f"{cell}: {', '.join(zero)} of strength 0 left out"] if zero else []
    pairs = [f"{kind} on" for kind, on in result["PairCell"].items() if on is True]
    readings.append(f"PairCell as {', '.join(pairs)} (instance pairs always are)")
    said, read = data["LossCell"]["temperature"], result["LossCell"]["temperature"]
    readings += [f"LossCell.temperature {said} as {read}, the smallest"] if said != read else []
    train = data.get("TrainCell", {})
    absent = [f"{name} {value}" for name, value in _TRAIN_DEFAULTS.items() if name not in train]
    return [*readings, *([f"TrainCell as {', '.join(absent)}"] if absent else [])]


def _chain(value: Any, where: str, problems: Problems) -> list[list[Any]]:
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
        if problems.name(f"{where}.enabled_ops", name, AUGMENTATIONS, what="augmentation of the notes"):
            option, parameter = AUGMENTATIONS[name]
            if name in parameters:
                chain.append([option, {parameter: parameters[name]}])
            else:
                problems.add(f"{where}.params", f"must hold the strength of {name!r}", dict(parameters))
    return chain


def _renamed(value: Any, where: str, names: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    cell = problems.mapping(where, value)
    return {} if cell is None else {names.get(name, name): entry for name, entry in cell.items()}


def _loss(value: Any, problems: Problems) -> dict[str, Any]:
    cell = problems.cell("LossCell", value, required=("loss", "sim", "temperature"))
    if cell is None:
        return {}
    loss = problems.name("LossCell.loss", cell["loss"], LOSSES, what="loss of the notes")
    similarity = problems.name("LossCell.sim", cell["sim"], SIMILARITIES, what="similarity of the notes")
    if not loss:
        return {}
    ours = LOSSES[loss]
    return {"loss": ours, "similarity": similarity, "temperature": temperature(cell["temperature"], ours)}


def _edges(value: Any, operators: Sequence[str], problems: Problems) -> list[list[Any]]:
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
