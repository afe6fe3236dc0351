"""The command `tscnas`, by a name that nobody else has: so it can say who hides the packages behind it.

They are called by plain words, such as `compute`; a file of such a name that comes first on Python's path hides one.
"""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

HOME = Path(__file__).resolve().parent
PACKAGES = ("nas", "compute", "search_space", "contrastive", "encoders", "downstream", "ahc")
WRONG_USAGE = 2


def main() -> int:
    """Run the command line and return its exit status."""
    # `tscnas doctor` says itself who hides what, as far as it can begin
    problem = hidden_package(PACKAGES[:2] if sys.argv[1:2] == ["doctor"] else PACKAGES)
    if problem:
        print(f"tscnas: error: {problem}", file=sys.stderr)
        return WRONG_USAGE
    from nas.cli import main as run

    return run()


def hidden_package(names: Sequence[str]) -> str:
    """Return a sentence about the first of some packages that is not the one beside this file; empty for none."""
    for name in names:
        found = importlib.util.find_spec(name)
        places = [] if found is None else [Path(place).resolve() for place in found.submodule_search_locations or ()]
        if HOME / name not in places[:1]:
            who = "is missing" if found is None else f"is hidden by {places[0] if places else found.origin}"
            return f"package {name} {who}; it must be the one in {HOME} (rename the other, or start elsewhere)"
    return ""


if __name__ == "__main__":
    sys.exit(main())
