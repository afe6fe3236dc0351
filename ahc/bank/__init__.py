"""The bank: every trial that was ever run, in one SQLite file.

It holds results only - genotypes, validation curves, task embeddings - never the
data of a task. `store` is the bank itself; `schema` says how it lies on disk and
how older files become current, `rows` what a row means, `file` how one is opened.
Around it: `merge`, `export`, `verify`, and `recover`, which reads what is left in a
damaged file.
"""

from ahc.bank.errors import BankError
from ahc.bank.rows import TaskEntry
from ahc.bank.schema import BANK_SCHEMA
from ahc.bank.store import Bank

__all__ = ["BANK_SCHEMA", "Bank", "BankError", "TaskEntry"]
