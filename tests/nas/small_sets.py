"""Shipped data with few test cases: what a search does with them is the same, in a part of the time."""

import atexit
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
TEST_CASES = 100


@cache
def italy() -> Path:
    """Return a folder of ItalyPowerDemand: all 67 training cases, and the first 100 of 1,029 test cases."""
    above = Path(mkdtemp(prefix="small-sets-"))
    atexit.register(shutil.rmtree, above, ignore_errors=True)
    folder = above / "ItalyPowerDemand"
    shutil.copytree(EXAMPLES / "ItalyPowerDemand", folder)
    test = folder / "ItalyPowerDemand_TEST.ts"
    lines = test.read_text().splitlines()
    begin = lines.index("@data") + 1
    test.write_text("\n".join(lines[: begin + TEST_CASES]) + "\n")
    return folder
