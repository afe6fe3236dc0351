"""Runs hostile inputs in a child of its own, with a limit on memory and on the time of each input, and judges them."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import resource
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from downstream.data import load_task
from downstream.errors import DataError
from search_space.presets import PRESETS, preset
from tests.fuzz.mutations import FORMULA, ODD, bytes_of

IN_THE_SUITE = 500
MEMORY = 512 * 2**20
"""Bytes that the inputs of a target may need beyond what the imports took."""
SECONDS = 10.0
"""Time that one input may take."""
LONGEST = 2000
"""Characters of a line of a message."""
MANY_LINES = ("OptionError", "GenotypeError", "SpaceError")
"""Errors that name every problem of an input, one per line."""
Feed = Callable[[Callable[[object], None], int], None]


def seeded(name: str, make: Callable[[random.Random], object]) -> Feed:
    """Return what feeds inputs 0, 1, 2, ... of a target; each follows from the target's name and its number."""

    def feed(check: Callable[[object], None], n: int) -> None:
        for number in range(n):
            check(make(random.Random(f"{name}/{number}")))

    return feed


def drawn(strategy: SearchStrategy[object]) -> Feed:
    """Return what feeds examples of a strategy, the same ones every time."""

    def feed(check: Callable[[object], None], n: int) -> None:
        @settings(
            max_examples=n,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def run(content: object) -> None:
            check(content)

        run()

    return feed


def judge(use: Callable[[object], object], allowed: tuple[type[Exception], ...], folder: Path) -> Callable[..., str]:
    """Return a function that tries one input and says what is wrong with what came, or nothing."""

    def alarm(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"{SECONDS:g} s are over")

    def check(content: object) -> str:
        signal.signal(signal.SIGALRM, alarm)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                use(content)
            problem = ""
        except allowed as error:
            lines = str(error).split("\n")
            strange = any(not line.isprintable() or not line or len(line) > LONGEST for line in lines)
            many = len(lines) > (25 if type(error).__name__ in MANY_LINES else 1)
            problem = f"message of {type(error).__name__}: {str(error)[:300]!r}" if strange or many else ""
        except BaseException as error:
            last = traceback.extract_tb(error.__traceback__)
            ours = [f"{Path(one.filename).name}:{one.lineno}" for one in last if "site-packages" not in one.filename]
            problem = f"{type(error).__name__} at {' '.join(ours[-3:])}: {str(error)[:200]!r}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        written = [str(path.relative_to(folder)) for path in folder.rglob("*") if "given" not in path.parts]
        for path in written:
            (folder / path).unlink()
        return problem or (f"it wrote {written}" if written else "")

    return check


def run_limited(feed: Feed, use: Callable[[object], object], *, allowed: tuple[type[Exception], ...], n: int,
                folder: Path, report: Path | None = None) -> tuple[int, list[str]]:  # fmt: skip
    """Try n inputs in a forked child under the limits; return how many were tried and what was wrong.

    The child works in `folder`, where nothing may appear but below `given`.
    """
    gc.freeze()  # the child need not look through what the parent has
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(feed, judge(use, allowed, folder), n=n, folder=folder, writer=writer)
    gc.unfreeze()
    os.close(writer)
    done, problems = 0, []
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        for line in _lines_within(pipe.fileno(), 2 * SECONDS):
            if line is None:
                problems.append(f"input {done}: no answer after {2 * SECONDS:g} s")
                os.kill(child, signal.SIGKILL)
                break
            done += 1
            if line:
                problems.append(f"input {done - 1}: {line}")
    _, status = os.waitpid(child, 0)
    if status and not problems:
        problems.append(f"input {done}: the process ended with status {status}")
    return done, problems


def _child(feed: Feed, check: Callable[..., str], *, n: int, folder: Path, writer: int) -> None:
    code = 1
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
        os.chdir(folder)
        feed(lambda content: _tell(writer, check(content)), n)
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _tell(writer: int, problem: str) -> None:
    os.write(writer, " ".join(problem.split())[:900].encode("utf-8", "replace") + b"\n")


def _lines_within(pipe: int, seconds: float) -> Iterator[str | None]:
    rest, last = b"", time.monotonic()
    while True:
        if not select.select([pipe], [], [], max(0.0, last + seconds - time.monotonic()))[0]:
            yield None
            return
        piece = os.read(pipe, 65536)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        last = time.monotonic()
        yield from (line.decode("utf-8", "replace") for line in lines)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Call the campaign slow where it is more than what the suite takes."""
    for item in items:
        if config.getoption("--fuzz-inputs") > IN_THE_SUITE and "hostile" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Do once, before the first child is forked, what every child would have to import."""
    file = tmp_path_factory.mktemp("warm") / "a.csv"
    for kind, header in (("parquet", "date,a"), ("csv", "date,a"), ("csv", "unique_id,ds,y")):
        rows = [f"2020-01-{1 + at % 28:02d},{at},{at * 7 % 5}"[-len(header) :] for at in range(3)]
        file.with_suffix(f".{kind}").write_text("\n".join([header, *rows]))
        with contextlib.suppress(DataError):
            load_task(file.with_suffix(f".{kind}"), kind=None)
    for name in PRESETS:
        preset(name).to_dict()


@pytest.fixture
def hostile(request: pytest.FixtureRequest, tmp_path: Path, imported: None) -> Callable[..., None]:
    """Return a function that tries a target's share of the campaign and fails where anything was wrong."""
    total = request.config.getoption("--fuzz-inputs")

    def run(feed: Feed, use: Callable[[Path], object], *, share: float, allowed: tuple[type[Exception], ...]) -> None:
        folder = tmp_path / "work"
        (folder / "given").mkdir(parents=True)
        n = max(1, round(total * share))
        start = time.monotonic()
        done, problems = run_limited(feed, use, allowed=allowed, n=n, folder=folder)
        print(f"{done} inputs, {time.monotonic() - start:.1f} s, {len(problems)} problems")
        different = {problem.partition(": ")[2].partition(": '")[0]: problem for problem in reversed(problems)}
        assert not problems, f"{len(problems)} of {n} inputs:\n" + "\n".join(different.values())
        assert done >= n

    return run


@pytest.fixture(scope="session")
def fuzz() -> SimpleNamespace:
    """Return what the targets are made of."""
    return SimpleNamespace(
        bytes_of=bytes_of, seeded=seeded, drawn=drawn, run_limited=run_limited, odd=ODD, formula=FORMULA
    )
