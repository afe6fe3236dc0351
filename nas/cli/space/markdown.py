"""Every option and preset with its source, as the Markdown of `docs/options.md`."""

from collections.abc import Iterable, Mapping

from nas.cli.text import values_text
from search_space import registry
from search_space.presets import BY_NAME, PRESETS, Preset
from search_space.registry import Option

_INTRODUCTION = """\
# Options

What the search can choose, as registered. Made by `make docs` from the code; do not edit by hand. What an option does
in detail, and where it deliberately differs from its source, stands in the docstring of its class."""

_TITLES = {
    "augmentation": "Augmentations (AugCell1, AugCell2)",
    "embedding_norm": "Embedding norms (EmbedCell)",
    "pair": "Pairs (PairCell)",
    "similarity": "Similarities (LossCell)",
    "loss": "Losses (LossCell)",
    "weighting": "Weightings of anchors (LossCell)",
    "auxiliary": "Auxiliary losses (LossCell)",
    "operator": "Operators (EncoderCell)",
    "readout": "Readouts (EncoderCell)",
}


_NOTES = {
    "loss": "The loss `none` contrasts nothing: an auxiliary loss alone teaches the encoder, and the Aug, Embed and "
    "Pair cells have no say (preset `patchtst_pretext`).",
    "auxiliary": "`own_steps` 0 adds the loss to the contrastive one; 1 takes turns with it, with an optimiser of its "
    "own.",
}


def options_markdown() -> str:
    """Return the page: a table per kind of option, then the presets, and those that no search tries of itself."""
    parts = [_INTRODUCTION]
    for kind in registry.PROVIDERS:
        parts += [f"## {_TITLES[kind]}", *([_NOTES[kind]] if kind in _NOTES else [])]
        parts.append(_options_table(registry.options(kind).values()))
    parts.append(f"## Presets\n\n{_presets_table(PRESETS)}")
    parts.append(f"## Presets that a search tries only by name (`--preset`)\n\n{_presets_table(BY_NAME)}")
    return "\n\n".join(parts)


def flags(option: Option) -> tuple[str, ...]:
    """Return the facts about an option that other parts ask for, in words."""
    facts = {"causal": option.causal, "moves time": option.moves_time, "compares nothing": not option.compares}
    needs = [f"needs {name} >= {least}" for name, least in option.needs.items()]
    return (*(words for words, holds in facts.items() if holds), *needs)


def _options_table(options: Iterable[Option]) -> str:
    rows = [
        (
            f"`{option.name}`",
            option.summary,
            "; ".join(
                f"{name}: {values_text(values)}{_usual(option, name)}" for name, values in option.choices.items()
            ),
            ", ".join(flags(option)),
            option.source,
        )
        for option in options
    ]
    return _table(("option", "does", "parameters", "flags", "source"), rows)


def _usual(option: Option, parameter: str) -> str:
    return f" (usually {option.usual[parameter]:g})" if parameter in option.usual else ""


def _presets_table(presets: Mapping[str, Preset]) -> str:
    rows = [(f"`{name}`", known.source, known.differs) for name, known in sorted(presets.items())]
    return _table(("preset", "source", "what is inferred or differs"), rows)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
