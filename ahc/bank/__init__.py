"""The bank: every trial that was ever run, in one SQLite file.

It holds results only - genotypes, validation curves, task embeddings - never the
data of a task. `store` is the bank itself; `schema` says how it lies on disk and
how older files become current, `rows` what a row means, `file` how one is opened.
`packed` is the form in which one is shipped; `shipped` the one that is, and a bank as
a frame in one call. Around it: `merge`, `export`, `verify`, and `recover`, which reads
what is left in a damaged file.
"""

from ahc.bank.errors import BankError
from ahc.bank.rows import TaskEntry
from ahc.bank.schema import BANK_SCHEMA, KEY_COLUMNS
from ahc.bank.shipped import SHIPPED, frame, points
from ahc.bank.store import Bank

__all__ = ["BANK_SCHEMA", "KEY_COLUMNS", "SHIPPED", "Bank", "BankError", "TaskEntry", "frame", "points"]
