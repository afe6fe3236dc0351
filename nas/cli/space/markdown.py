"""Every option and preset with its source, as the Markdown of `docs/options.md`."""

from collections.abc import Iterable

from nas.cli.text import values_text
from search_space import registry
from search_space.presets import PRESETS
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


def options_markdown() -> str:
    """Return the page: a table per kind of option, then the presets."""
    parts = [_INTRODUCTION]
    parts += [f"## {_TITLES[kind]}\n\n{_options_table(registry.options(kind).values())}" for kind in registry.PROVIDERS]
    parts.append(f"## Presets\n\n{_presets_table()}")
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
            "; ".join(f"{name}: {values_text(values)}" for name, values in option.choices.items()),
            ", ".join(flags(option)),
            option.source,
        )
        for option in options
    ]
    return _table(("option", "does", "parameters", "flags", "source"), rows)


def _presets_table() -> str:
    rows = [(f"`{name}`", known.source, known.differs) for name, known in sorted(PRESETS.items())]
    return _table(("preset", "source", "what is inferred or differs"), rows)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
