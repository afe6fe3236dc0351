"""What several option sets say in the same words: choices and help texts."""

from typing import Literal, get_args

from downstream.kinds import KINDS

TaskKind = str  # one of TASKS
ProtocolName = Literal["default", "ts2vec", "long_horizon"]
TASKS = KINDS
TABLES = ("cases", "steps", "long")  # as downstream.data.options has them, without what that imports
PROTOCOLS: tuple[str, ...] = get_args(ProtocolName)

DATA = (
    "the data: .csv .txt .parquet .ts .tsv .arff .npz .npy (each also .gz), a folder with a UCR/UEA dataset, or one "
    "with folders of classes"
)
LABEL_COLUMN = "the column with the anomaly label or the class; by default `label`"
RUNS_ON = "where the encoder runs; auto takes a GPU where there is one"
OVERWRITE = "replace an output that exists; without it, an existing output is never touched"
RNG_SEED = "integer for all random generators; the same one gives the same result"
DEVICE = "where encoders are trained; auto takes a GPU where there is one"
SPACE = (
    "where candidates are drawn from: default, full, or a YAML or JSON file of cells and their choices, such as "
    "`tscnas space --print default` writes"
)
SVM = (
    "score classification on test with TS2Vec's support vector machine too; its time grows faster than the number of "
    "cases"
)
