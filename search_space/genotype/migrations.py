"""Brings older and foreign genotype dicts into the present form.

Names on disk are never renamed without a step here. The one foreign form is
that of the design notes (`notes`).
"""

import warnings
from collections.abc import Mapping
from typing import Any

from search_space.genotype.notes import NotesWarning, is_notes_form, read_notes
from search_space.genotype.validation import Problems

SCHEMA = 1


def upgrade(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a genotype dict in the present schema; cells are checked later.

    Raises:
        GenotypeError: If the schema is not one that this version reads, or the
            notes' form is not convertible.

    Warns:
        NotesWarning: Of what was read how in the notes' form.
    """
    if is_notes_form(data):
        converted, readings = read_notes(data)
        warnings.warn(NotesWarning("genotype in the notes' form", readings), stacklevel=3)
        return converted
    problems = Problems()
    schema = data.get("schema", SCHEMA)  # a missing field is reported with the other fields
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        problems.add("schema", f"must be a whole number in 1..{SCHEMA}", schema)
    elif schema > SCHEMA:
        problems.add("schema", f"must be at most {SCHEMA} (written by a newer version)", schema)
    problems.raise_any()
    return dict(data)
