"""Where a run's files for TensorBoard lie, and how they are removed."""

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from nas.errors import OptionError

FOLDER_NAME, RUNNING = "tensorboard", "running"
EMBEDDING, METADATA, PROJECTOR = "embedding.tsv", "metadata.tsv", "projector_config.pbtxt"
MISSING = "tensorboard: TensorBoard is not installed; pip install 'ts-contrastive-nas[tensorboard]'"


def check_installed() -> None:
    """Check that TensorBoard is there, without importing it.

    Raises:
        OptionError: If it is not.
    """
    if find_spec("tensorboard") is None:
        raise OptionError(MISSING)


def folder_of(run: Path) -> Path:
    """Return the folder that TensorBoard is pointed at."""
    return run / FOLDER_NAME


def files(run: Path) -> Iterator[Path]:
    """Yield everything below the folder, what is deepest first, then itself; links are yielded and never followed."""
    folder = folder_of(run)
    if not folder.is_symlink() and folder.is_dir():
        yield from sorted(folder.rglob("*"), reverse=True)
        yield folder


def clear(run: Path) -> None:
    """Remove what a run wrote for TensorBoard, and nothing else."""
    for path in files(run):
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.rmdir()  # unless somebody keeps something there
        elif path.name.startswith("events.out.tfevents.") or path.name in (EMBEDDING, METADATA, PROJECTOR, RUNNING):
            path.unlink()
