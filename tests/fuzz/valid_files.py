"""Small valid files of every text format, and reading a file as a kind of task that follows from a number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from downstream.data import load_task
from downstream.data.loading import load_plain_series
from downstream.data.options import TABLES

N_ROWS = 90
KINDS = (None, "forecasting", "anomaly", "classification", "regression")


def wide() -> str:
    dates = np.datetime64("2020-01-01") + np.arange(N_ROWS)
    rows = [f"{date},{np.sin(at / 5):.3f},{np.cos(at / 9):.3f}" for at, date in enumerate(dates)]
    return "\n".join(["date,a,b", *rows]) + "\n"


def long() -> str:
    rows = [f"s{one},{at},{np.sin(at / (3 + one)):.3f}" for one in range(2) for at in range(N_ROWS // 2)]
    return "\n".join(["unique_id,ds,y", *rows]) + "\n"


def labelled() -> str:
    rows = [f"{np.sin(at / 5):.3f},{int(at == 80)},{'train' if at < 60 else 'test'}" for at in range(N_ROWS)]
    return "\n".join(["value,label,split", *rows]) + "\n"


def case_table() -> str:
    rows = [f"{at % 3},{at * 7 % 5},{at},{'ab'[at % 2]}" for at in range(12)]
    return "\n".join(["t0,t1,t2,label", *rows]) + "\n"


def long_cases() -> str:
    rows = [f"c{at // 6},{at % 6},{at * 7 % 5},{at % 3},{'ab'[at // 6 % 2]}" for at in range(48)]
    return "\n".join(["case,step,x,y,label", *rows]) + "\n"


def class_first() -> str:
    return (
        "\n".join(" ".join([f"{at % 2}.0e+00", *(str((at * 7 + s) % 5) for s in range(8))]) for at in range(8)) + "\n"
    )


def ts() -> str:
    rows = [":".join([",".join(str((at * 7 + s) % 5) for s in range(8))] * 2 + ["ab"[at % 2]]) for at in range(8)]
    return "@problemName p\n@timeStamps false\n@univariate false\n@classLabel true a b\n@data\n" + "\n".join(rows)


def tsv() -> str:
    return "\n".join("\t".join([str(at % 2), *(str((at * 7 + s) % 5) for s in range(8))]) for at in range(8)) + "\n"


def arff() -> str:
    rows = [",".join([*(str((at * 7 + s) % 5) for s in range(4)), "ab"[at % 2]]) for at in range(8)]
    return "@relation p\n" + "@attribute t numeric\n" * 4 + "@attribute class {a,b}\n@data\n" + "\n".join(rows)


def relational() -> str:
    rows = [f"'{at},1,2\\n2,{at % 3},1',{'ab'[at % 2]}" for at in range(8)]
    head = "@relation p\n@attribute c relational\n@attribute t numeric\n@end c\n@attribute class {a,b}\n@data\n"
    return head + "\n".join(rows)


TEXTS: dict[str, tuple[bytes, ...]] = {
    "csv": tuple(make().encode() for make in (wide, long, labelled, case_table, long_cases)),
    "ts": (ts().encode(),),
    "tsv": (tsv().encode(),),
    "txt": (class_first().encode(), tsv().replace("\t", ",").encode()),
    "arff": (arff().encode(), relational().encode()),
}


def reading(name: str) -> Callable[[bytes], None]:
    """Return what writes the bytes to `given/<name>` and reads them as a kind of task that follows from them."""

    def use(content: bytes) -> None:
        path = Path("given") / name
        path.write_bytes(content)
        read_as_some(path, number=len(content))

    return use


def read_as_some(path: Path, *, number: int) -> None:
    rest, way = divmod(number, len(KINDS) + 1)
    table = (None, None, *TABLES)[rest % (len(TABLES) + 2)]
    if way == len(KINDS):
        load_plain_series(path, kind="classification" if number % 2 else "forecasting", table=table)
    else:
        load_task(path, kind=KINDS[way], table=table).training_windows(limit=8)
