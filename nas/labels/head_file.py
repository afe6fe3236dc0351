"""The file of a head: its numbers, its sizes, and what its outputs mean."""

from pathlib import Path

import torch

from nas.labels.heads import LinearHead
from nas.labels.kinds import SUPERVISIONS
from nas.runs.whole_file import write_whole
from nas.saved.tensor_file import SavedEncoderError, build_with, file_of, read_facts

SCHEMA = 1


def save_head(path: Path, head: LinearHead, *, kind: str, facts: dict[str, object]) -> None:
    """Write a head to one file, complete or not at all.

    Args:
        path: The file.
        head: Its numbers and sizes.
        kind: Of its task.
        facts: JSON values to keep beside it, such as the names of the classes.
    """
    write_whole(path, file_of(head.state_dict(), {"schema": SCHEMA, "kind": kind, "sizes": head.sizes, **facts}))


def load_head(path: Path) -> tuple[LinearHead, dict[str, object]]:
    """Return the head that `save_head` wrote, in evaluation mode, and the facts beside it.

    Raises:
        SavedEncoderError: If the file is missing, is something else, or does not fit together.
    """
    facts, state = read_facts(path, what="head")
    try:
        schema, kind, sizes = facts.pop("schema"), facts.pop("kind"), facts.pop("sizes")
        if schema != SCHEMA:
            raise SavedEncoderError(f"{path}: schema {schema!r} is not known (known: {SCHEMA})")
        build, size = SUPERVISIONS[kind].head, state["mean"].shape
        head = build_with(state, lambda: build(torch.zeros(size), torch.ones(size), **sizes))
    except SavedEncoderError:
        raise
    except (KeyError, TypeError, RuntimeError, ValueError, OverflowError) as error:
        raise SavedEncoderError(f"{path}: not a saved head") from error
    return head, facts
