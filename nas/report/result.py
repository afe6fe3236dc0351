"""What a search hands over, as Python sees it."""

import json
from dataclasses import dataclass
from pathlib import Path

from nas.errors import OutputExistsError
from nas.report.rows import Row
from search_space.genotype import Genotype


@dataclass(frozen=True)
class SearchResult:
    """What a search hands over.

    Args:
        folder: The run folder, with the encoder and everything else.
        genotype: The chosen candidate; of a combination, its heaviest member.
        origin: Where it is from: `named`, `combination`, a preset, or which way it was found.
        rows: Test scores of what was chosen and of everything it is compared with; none where nothing was trained.
        seconds: Wall time per stage.
        text: The printed answer.
    """

    folder: Path
    genotype: Genotype
    origin: str
    rows: tuple[Row, ...]
    seconds: dict[str, float]
    text: str


def finished_result(folder: Path) -> SearchResult:
    """Return what a finished run handed over.

    Raises:
        OutputExistsError: If what the folder holds is no such result.
    """
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        answer = (folder / "answer.txt").read_text(encoding="utf-8")
        return SearchResult(
            folder=folder,
            genotype=Genotype.from_dict(facts["chosen"]["genotype"]),
            origin=facts["chosen"]["origin"],
            rows=tuple(Row.from_json(row) for row in facts["rows"]),
            seconds=facts["seconds"],
            text=f"(finished before; --overwrite runs it anew)\n{answer}",
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OutputExistsError(
            f"{folder / 'run.json'} is not the answer of a finished run; choose another --output or pass --overwrite"
        ) from error
