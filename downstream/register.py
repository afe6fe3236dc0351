"""Methods by name: a new one is a function with a decorator, and whoever asks for all of them finds it."""

from collections.abc import Callable
from typing import Any, TypeVar

from downstream.scores import Scores

Method = TypeVar("Method", bound=Callable[..., Any])


class Register(dict[str, Method]):
    """Functions by name, in the order in which they were added."""

    def add(self, name: str) -> Callable[[Method], Method]:
        """Return a decorator that adds a function under a name.

        Raises:
            ValueError: If the name is taken.
        """

        def added(method: Method) -> Method:
            if name in self:
                raise ValueError(f"{name!r} is registered already")
            self[name] = method
            return method

        return added


class Baselines(Register[Callable[..., Scores | None]]):
    """The plain methods of a kind of task.

    Each is `(task, opened, *, rng_seed) -> Scores`, or None where what it needs is not installed.
    """

    def __call__(self, task: Any, opened: Any, *, rng_seed: int = 0) -> dict[str, Scores]:
        """Return the rows of all that can be run here."""
        rows = {name: method(task, opened, rng_seed=rng_seed) for name, method in self.items()}
        return {name: scores for name, scores in rows.items() if scores is not None}
