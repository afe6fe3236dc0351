"""The bank that comes with this package; and a bank in one call, as pandas frames: that one where none is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ahc.bank.schema import KEY_COLUMNS
from ahc.bank.store import Bank

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = Path(__file__).parents[1] / "pretrained" / "bank.sqlite.xz"


def frame(path: str | Path | None = None, *, genes: bool = True) -> pd.DataFrame:
    """Return one row per trial, in the order of their keys: the table that `tscnas bank export --genes` writes.

    `genotype`, `curve` and `details` are JSON text; `points` has the curves.

    Args:
        path: A bank, packed or not; None is the shipped one.
        genes: Add a column per gene (`search_space.genes`).

    Raises:
        BankError: If the file is no bank or is damaged, or a genotype cannot be read.
    """
    with Bank(SHIPPED if path is None else path, read_only=True) as bank:
        return bank.to_frame(genes=genes)


def points(path: str | Path | None = None) -> pd.DataFrame:
    """Return one row per trial and point of its curve, in the order of keys and iterations.

    A table of its own and not lists in a column of `frame`: what a benchmark asks (the score after so many iterations,
    the last point less the first, who is best at a quarter of the training) is then one line of pandas. The key
    columns (`ahc.bank.KEY_COLUMNS`) join it to `frame`; no other name is in both.

    Args:
        path: A bank, packed or not; None is the shipped one.

    Returns:
        The key columns, `at` (iteration), `score_at` (validation score there) and `loss_at` (contrastive loss); NaN
        where something was not measured or not finite. A trial without a curve has no row.

    Raises:
        BankError: If the file is no bank or is damaged.
    """
    import pandas as pd

    with Bank(SHIPPED if path is None else path, read_only=True) as bank:
        rows = [(*record.record_key, *point) for record in bank.records_by_key() for point in record.curve]
    found = pd.DataFrame(rows, columns=[*KEY_COLUMNS, "at", "score_at", "loss_at"])
    return found.astype({"score_at": float, "loss_at": float})
