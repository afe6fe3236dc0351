"""The verbs of the command line: what each is called, takes, runs, and looks like in use."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nas.options.bank import (
    BankExportOptions,
    BankListOptions,
    BankMergeOptions,
    BankRecoverOptions,
    BankShowOptions,
    BankVerifyOptions,
)
from nas.options.fields import OptionSet, settings_of
from nas.options.operations import DoctorOptions, StatusOptions
from nas.options.search import SearchOptions
from nas.options.seeding import AhcOptions, SeedsOptions
from nas.options.space import SampleOptions, ShowOptions, SpaceOptions
from nas.options.using.encoders import EmbedOptions, EvaluateOptions, ExportOptions, FinetuneOptions
from nas.options.using.predicting import DetectOptions, ForecastOptions, PredictOptions
from nas.options.using.reporting import PlotOptions, ReportOptions


@dataclass(frozen=True)
class Command:
    """One verb.

    Args:
        name: What the user types; two words for a verb below another one.
        options: Its option set, whose docstring says what the verb does.
        target: `module:function` that does it, imported when it is run.
        dry_run: `module:function` that does what `--dry-run` asks for, where there is such a flag.
        examples: Command lines for the help.
        resumes: After an interruption the same command goes on.
    """

    name: str
    options: type[OptionSet]
    target: str
    examples: tuple[str, ...]
    resumes: bool = False
    dry_run: str = ""

    @property
    def usage(self) -> str:
        """The short form of the verb's usage line."""
        positional = [setting for setting in settings_of(self.options).values() if setting.positional]
        names = [setting.name.upper() + " ..." * setting.many for setting in positional]
        shown = [
            f"[{name}]" if setting.default is None else name for name, setting in zip(names, positional, strict=True)
        ]
        return " ".join(["tscnas", self.name, *shown, "[settings]"])

    @property
    def summary(self) -> str:
        """The first line of the option set's docstring."""
        return (self.options.__doc__ or "").strip().split("\n")[0]

    def load(self, *, dry_run: bool = False) -> Callable[[Any], Any]:
        """Import the module behind the verb, or behind its dry run, and return its function."""
        module, _, function = (self.dry_run if dry_run else self.target).partition(":")
        loaded: Callable[[Any], Any] = getattr(importlib.import_module(module), function)
        return loaded


COMMANDS = (
    Command(
        "search",
        SearchOptions,
        "nas.search:search",
        (
            "tscnas search ETTh1.csv --task forecasting --horizons 24,48,168 --output runs/ETTh1",
            "tscnas search GunPoint/ --task classification --time-budget 10m",
            "tscnas search data.csv --preset ts2vec --iterations 200",
            "tscnas search data.csv --space space.yaml",
            "tscnas search --config options.yaml --top-k 8",
        ),
        resumes=True,
        dry_run="nas.cli.dry_run:estimate_search",
    ),
    Command(
        "predict",
        PredictOptions,
        "nas.cli.predicting.predict:predict",
        (
            "tscnas predict runs/GunPoint new.csv --output classes.csv",
            "tscnas predict runs/ETTh1 new.csv --horizon 24 --output forecast.parquet",
        ),
    ),
    Command(
        "report",
        ReportOptions,
        "nas.cli.reporting.report:report",
        ("tscnas report runs/ETTh1 --overwrite", "tscnas report runs/ETTh1 runs/GunPoint --output comparison.html"),
    ),
    Command(
        "plot",
        PlotOptions,
        "nas.cli.reporting.plot:plot",
        ("tscnas plot runs/ETTh1 history", "tscnas plot runs/ETTh1 importance --output genes.svg"),
    ),
    Command(
        "forecast",
        ForecastOptions,
        "nas.cli.predicting.forecast:forecast",
        (
            "tscnas forecast runs/ETTh1 new.csv --output forecast.csv",
            "tscnas forecast runs/ETTh1 new.csv --horizon 24 --quantiles 0.05,0.95 --output forecast.parquet",
        ),
    ),
    Command(
        "detect",
        DetectOptions,
        "nas.cli.predicting.detect:detect",
        (
            "tscnas detect runs/pump new.csv --output anomalies.csv",
            "tscnas detect runs/pump new.csv --threshold 1.5 --output anomalies.parquet",
        ),
    ),
    Command(
        "embed",
        EmbedOptions,
        "nas.cli.encoders.embed:embed",
        (
            "tscnas embed runs/ETTh1 new.csv --output new.npz",
            "tscnas embed runs/ETTh1 new.csv --level step --output steps.parquet",
        ),
    ),
    Command(
        "export",
        ExportOptions,
        "nas.cli.encoders.export:export",
        (
            "tscnas export runs/ETTh1 --output encoder.onnx",
            "tscnas export runs/GunPoint --format torchscript --static-time --output encoder.pt",
        ),
    ),
    Command(
        "evaluate",
        EvaluateOptions,
        "nas.cli.encoders.evaluate:evaluate",
        (
            "tscnas evaluate runs/ETTh1 ETTh2.csv --task forecasting",
            "tscnas evaluate ETTh2.csv --baseline patchtst --horizons 24,48,168",
            "tscnas evaluate ETTh2.csv --baseline timesnet --loss mae --regularizer frequency_consistency=0.1",
        ),
    ),
    Command(
        "finetune",
        FinetuneOptions,
        "nas.cli.encoders.finetune:finetune",
        (
            "tscnas finetune runs/ETTh1 ETTh2.csv --mode lora --rank 8 --output finetuned/ETTh2",
            "tscnas finetune runs/GunPoint GunPoint/ --mode full",
        ),
    ),
    Command(
        "space",
        SpaceOptions,
        "nas.cli.space.table:show_space",
        (
            "tscnas space",
            "tscnas space --kind augmentation",
            "tscnas space --preset ts2vec > genotype.json",
            "tscnas space --print default --output space.yaml",
            "tscnas space --markdown > docs/options.md",
        ),
    ),
    Command(
        "space show",
        ShowOptions,
        "nas.cli.space.show:show_genotype",
        ("tscnas space show ts2vec", "tscnas space show runs/ETTh1 --output chosen.svg"),
    ),
    Command(
        "space sample",
        SampleOptions,
        "nas.cli.space.show:sample_space",
        ("tscnas space sample -n 100 --rng-seed 1 > genotypes.jsonl", "tscnas space sample -n 5 --space full"),
    ),
    Command(
        "seeds",
        SeedsOptions,
        "nas.seeding.seeds:generate_seeds",
        ("tscnas seeds tasks.yaml --data data/ --bank bank.sqlite --genotypes 48 --time-limit 2m",),
        resumes=True,
        dry_run="nas.cli.dry_run:estimate_seeds",
    ),
    Command(
        "ahc",
        AhcOptions,
        "nas.seeding.comparator:train_ahc",
        ("tscnas ahc bank.sqlite --output comparator", "tscnas ahc bank.sqlite --replay --output replayed"),
    ),
    Command(
        "bank ls",
        BankListOptions,
        "nas.cli.bank.listing:list_bank",
        ("tscnas bank ls", "tscnas bank ls bank.sqlite", "tscnas bank ls runs/ETTh1"),
    ),
    Command(
        "bank show",
        BankShowOptions,
        "nas.cli.bank.candidate:show_candidate",
        ("tscnas bank show 85e9", "tscnas bank show 85e9 bank.sqlite --task Crop --rng-seed 0"),
    ),
    Command(
        "bank merge",
        BankMergeOptions,
        "nas.cli.bank.keeping:merge",
        (
            "tscnas bank merge monday.sqlite tuesday.sqlite runs/ETTh1 --output all.sqlite",
            "tscnas bank merge all.sqlite --output packed.sqlite.xz",
        ),
    ),
    Command(
        "bank export",
        BankExportOptions,
        "nas.cli.bank.keeping:export",
        (
            "tscnas bank export bank.sqlite --csv trials.csv",
            "tscnas bank export --genes --csv trials.csv --parquet trials.parquet",
        ),
    ),
    Command("bank verify", BankVerifyOptions, "nas.cli.bank.keeping:verify", ("tscnas bank verify bank.sqlite",)),
    Command(
        "bank recover",
        BankRecoverOptions,
        "nas.cli.bank.keeping:recover",
        ("tscnas bank recover damaged.sqlite --output saved.sqlite",),
    ),
    Command(
        "status",
        StatusOptions,
        "nas.cli.status.verb:show_status",
        ("tscnas status runs/ETTh1", "tscnas status runs/ETTh1 --watch", "tscnas status bank.sqlite --json"),
    ),
    Command("doctor", DoctorOptions, "nas.cli.doctor.verb:examine", ("tscnas doctor", "tscnas doctor --json")),
)
