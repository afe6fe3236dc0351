"""The bank: every trial that was ever run, in one SQLite file.

It holds results only - genotypes, validation curves, task embeddings - never the
data of a task. `store` is the bank itself, `rows` and `schema` say how it lies on
disk, `migrations` bring older files up to date, `file` opens it. Around it:
`merge`, `export`, `verify` (its rules for one trial are in `impossible`) and
`recover`, which reads what is left in a damaged file.
"""

from __future__ import annotations

from ahc.bank.errors import BankError
from ahc.bank.rows import TaskEntry
from ahc.bank.schema import BANK_SCHEMA
from ahc.bank.store import Bank

__all__ = ["BANK_SCHEMA", "Bank", "BankError", "TaskEntry"]
