"""The engines by name: a new one is one file in `available/` that defines `ENGINE`; none is imported before its use."""

import importlib
import pkgutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from nas.engines import available
from nas.errors import OptionError

ENGINE_NAMES: tuple[str, ...] = tuple(sorted(module.name for module in pkgutil.iter_modules(available.__path__)))


@dataclass(frozen=True)
class Engine:
    """One way of running jobs, and what others may ask of it instead of its name.

    Args:
        run: Takes jobs and the limits of `run_candidates`, and yields a `Result` as each job ends.
        one_at_a_time: Jobs follow each other, however many workers are asked for.
        elsewhere: Jobs may run on other machines, whose memory and devices this one does not know.
        requires: The package that has to be installed, which is also the name of the extra that brings it.
        prepare: Begins, without waiting, what takes time before a first job; nothing to do for most.
    """

    run: Callable[..., Generator[Any, None, None]]
    one_at_a_time: bool = False
    elsewhere: bool = False
    requires: str = ""
    prepare: Callable[[], None] = lambda: None

    def check_installed(self) -> None:
        """Check that what the engine requires is there, without importing it.

        Raises:
            OptionError: If it is not.
        """
        if self.requires and find_spec(self.requires) is None:
            raise OptionError(
                f"engine: {self.requires} is not installed; pip install 'ts-contrastive-nas[{self.requires}]'"
            )


def engine(name: str) -> Engine:
    """Return the engine of that name.

    Raises:
        ValueError: If there is none.
    """
    if name not in ENGINE_NAMES:
        raise ValueError(f"engine must be one of {list(ENGINE_NAMES)}, got {name!r}")
    loaded: Engine = importlib.import_module(f"{available.__name__}.{name}").ENGINE
    return loaded
