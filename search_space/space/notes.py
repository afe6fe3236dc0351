"""The search space as the design notes write it: their own words for the cells, and no encoder."""

from collections.abc import Mapping
from typing import Any

from search_space.genotype.notes import AUGMENTATIONS, LOSSES, SIMILARITIES, renamed, temperature
from search_space.genotype.validation import GenotypeError, Problems, is_list
from search_space.space.choices import SpaceError

_PAIR_KINDS = {"temporal": "temporal", "neighbor": "neighbor", "multiscale": "cross_scale"}
_FIELDS = {
    "AugCell": ("enabled_ops", "discrete_values"),
    "EmbedCell": ("jitter_values", "mask_values", "norm_options"),
    "PairCell": ("pool_type", "kernel_range"),
    "LossCell": ("loss_options", "sim_options", "temperature"),
}
_OPTIONAL = {"AugCell": ("order_values",), "PairCell": tuple(_PAIR_KINDS)}
_OURS = ("EncoderCell", "TrainCell")


def is_notes_space(data: object) -> bool:
    """Return whether a search space is written as the notes write it: one cell of augmentations for both views."""
    aug = data.get("AugCell") if isinstance(data, Mapping) else None
    return isinstance(aug, Mapping) and "enabled_ops" in aug


def space_of_notes(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the choices that the notes' dict says, and what was read how, a clause each.

    `EncoderCell` and `TrainCell`, which the notes do not have, may stand beside it in our words.

    Raises:
        SpaceError: If a name of the notes is unknown or missing. Values are checked by `read_space`.
    """
    problems = Problems()
    try:
        cells = _cells(data, problems)
        problems.raise_any()
        assert cells is not None
        choices, readings = _choices(cells, problems)
        problems.raise_any()
    except GenotypeError as error:
        raise SpaceError(str(error)) from None
    beside = {name: data[name] for name in _OURS if name in data}
    absent = [name for name in _OURS if name not in data]
    readings += [f"{' and '.join(absent)}, which were not given, as in the default space"] if absent else []
    return {**choices, **beside}, readings


def _cells(data: Mapping[str, Any], problems: Problems) -> dict[str, Mapping[str, Any]]:
    """Return the notes' cells, with a list in every field."""
    problems.cell("", data, required=_FIELDS, optional=_OURS)
    cells = {
        name: problems.cell(name, data[name], required=fields, optional=_OPTIONAL.get(name, ())) or {}
        for name, fields in _FIELDS.items()
        if name in data
    }
    for name, cell in cells.items():
        for field, values in cell.items():
            if not is_list(values):
                problems.add(f"{name}.{field}", "must be a list of values", values)
    return cells


def _choices(cells: Mapping[str, Mapping[str, Any]], problems: Problems) -> tuple[dict[str, Any], list[str]]:
    aug, embed, pair, loss = cells.values()
    strengths: dict[str, Any] = {}
    for name in aug["enabled_ops"]:
        if problems.name("AugCell.enabled_ops", name, AUGMENTATIONS, what="augmentation of the notes"):
            option, parameter = AUGMENTATIONS[name]
            strengths[f"{option}.{parameter}"] = aug["discrete_values"]
    lengths = aug.get("order_values", range(1, len(strengths) + 1))
    chain = {"options": [name.partition(".")[0] for name in strengths], **strengths, "lengths": list(lengths)}
    losses = [
        LOSSES[name]
        for name in loss["loss_options"]
        if problems.name("LossCell.loss_options", name, LOSSES, what="loss of the notes")
    ]
    for name in loss["sim_options"]:
        problems.name("LossCell.sim_options", name, SIMILARITIES, what="similarity of the notes")
    said = loss["temperature"]
    read = {ours: [(value, temperature(value, ours)) for value in said] for ours in losses}
    kinds = ["instance", *(ours for theirs, ours in _PAIR_KINDS.items() if True in pair.get(theirs, ()))]
    choices = {
        "AugCell1": chain,
        "AugCell2": chain,
        "EmbedCell": {"jitter": embed["jitter_values"], "mask": embed["mask_values"], "norm": embed["norm_options"]},
        "PairCell": {"kinds": kinds, "pool": pair["pool_type"], "kernel": pair["kernel_range"]},
        "LossCell": {
            "loss": losses,
            # 0 may become a value that stands there too
            **{
                f"{ours}.temperature": [new for old, new in values if new == old or new not in said]
                for ours, values in read.items()
            },
            "similarity": loss["sim_options"],
        },
    }
    words = [*renamed(aug["enabled_ops"], AUGMENTATIONS), *renamed(loss["loss_options"], LOSSES)]
    readings = ["AugCell as AugCell1 and AugCell2", *words]
    what = "AugCell.order_values" if "order_values" in aug else "the number of AugCell.enabled_ops"
    readings.append(f"{what} as chains of {', '.join(map(str, lengths))}, in any order")
    readings.append(f"PairCell as any of {', '.join(kinds)} (the notes always have instance pairs)")
    smallest = {str(new) for values in read.values() for old, new in values if new != old}
    readings += [f"LossCell.temperature 0 as {' and '.join(sorted(smallest))}, the smallest"] if smallest else []
    return choices, readings
