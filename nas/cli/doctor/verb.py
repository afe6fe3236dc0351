"""`tscnas doctor`: all checks, one line each."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from nas.cli.doctor.check import FAIL, OK, WARN, Check
from nas.cli.doctor.engines import check_engines
from nas.cli.doctor.machine import check_machine
from nas.cli.doctor.packages import check_shadows, check_versions
from nas.cli.text import Shown
from nas.options.operations import DoctorOptions

_FAILED = 3


def examine(options: DoctorOptions) -> Shown:
    """Run all checks; nothing is installed, started for good, or changed. The exit status is 3 where one failed."""
    shadowed = check_shadows()  # before anything that may be hidden is imported
    checks = [*check_versions(), shadowed]
    if shadowed.level != FAIL:
        checks += [*check_machine(), *check_engines()]
    counts = Counter(check.level for check in checks)
    return Shown(_as_json(checks) if options.json else _as_text(checks, counts), _FAILED if counts[FAIL] else 0)


def _as_text(checks: Sequence[Check], counts: Counter[str]) -> str:
    """Return one line per check and a last one that sums up."""
    width = max(len(check.name) for check in checks)
    total = ", ".join(f"{counts[level]} {level}" for level in (OK, WARN, FAIL) if counts[level])
    skipped = "" if any(check.name == "gpu" for check in checks) else "; the machine was not looked at"
    return "\n".join([*(check.line(width=width) for check in checks), f"{len(checks)} checks: {total}{skipped}"])


def _as_json(checks: Sequence[Check]) -> str:
    """Return the worst level and all checks as one JSON object."""
    worst = max((check.level for check in checks), key=(OK, WARN, FAIL).index)
    return json.dumps({"level": worst, "checks": [asdict(check) for check in checks]}, indent=2)
