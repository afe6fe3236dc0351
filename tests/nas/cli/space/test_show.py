"""`space show` and `space sample`: whose genotype is shown, the listing of its graph, and what is drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nas.cli import program as cli
from nas.cli.space.show import graph_listing, sample_space, show_genotype
from nas.errors import OptionError, OutputExistsError
from nas.options.space import SampleOptions, ShowOptions
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype, GenotypeError
from search_space.presets import PRESETS, preset
from search_space.space import full_space


def test_a_preset_a_file_and_a_folder_are_the_same_genotype(tmp_path: Path) -> None:
    genotype = preset("notes_best")
    (tmp_path / "genotype.json").write_text(json.dumps(genotype.to_dict()))
    texts = [show_genotype(ShowOptions(str(n))).text for n in ("notes_best", tmp_path, tmp_path / "genotype.json")]
    body = f"{genotype.describe()}\n\n{graph_listing(genotype)}"
    assert all(text.endswith(body) and genotype.key in text for text in texts)
    assert PRESETS["notes_best"].source in texts[0] and PRESETS["notes_best"].differs in texts[0]


def test_the_listing_holds_every_edge_once() -> None:
    for genotype in sample_candidates(30, np.random.default_rng(0), full_space()):
        lines = [line for line in graph_listing(genotype).splitlines() if " ── node " in line]
        read = [line.split("── node ") for line in lines]
        edges = [(int(source), head.replace("◀", " ").split()[-1]) for head, source in read]
        assert edges == list(genotype.encoder.edges)


def test_a_preset_takes_the_form_of_the_task() -> None:
    assert "readout last" in show_genotype(ShowOptions("simclr", task="forecasting")).text
    assert "readout mean" in show_genotype(ShowOptions("simclr")).text


def test_a_picture_is_written_once(tmp_path: Path) -> None:
    options = ShowOptions("ts2vec", output=str(tmp_path / "g.svg"))
    assert f"Drawn in {tmp_path / 'g.svg'}" in show_genotype(options).text
    with pytest.raises(OutputExistsError, match="--overwrite"):
        show_genotype(options)
    show_genotype(ShowOptions("ts2vec", output=str(tmp_path / "g.svg"), overwrite=True))


def test_what_is_no_genotype_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        OptionError, match=r"no such file or folder, and unknown preset 'ts2vek'; did you mean 'ts2vec'"
    ):
        show_genotype(ShowOptions("ts2vek"))
    with pytest.raises(OptionError, match=r"genotype\.json: not a readable JSON file"):
        show_genotype(ShowOptions(str(tmp_path)))
    (tmp_path / "g.json").write_text("{}")
    with pytest.raises(GenotypeError, match="schema: the field is required"):
        show_genotype(ShowOptions(str(tmp_path / "g.json")))
    with pytest.raises(OptionError, match=r"output: must end in \.svg or \.png"):
        ShowOptions("ts2vec", output="g.pdf")


def test_samples_are_json_lines_of_the_space() -> None:
    lines = sample_space(SampleOptions(20, space="full", rng_seed=3)).text.splitlines()
    drawn = [Genotype.from_dict(json.loads(line)) for line in lines]
    assert drawn == sample_candidates(20, np.random.default_rng(3), full_space())
    assert sample_space(SampleOptions(20, rng_seed=3)).text != "\n".join(lines)


def test_two_words_are_one_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["space", "sample", "-n", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert cli.main(["space", "shw", "ts2vec"]) == 2
    assert "unknown argument shw; did you mean show?" in capsys.readouterr().err
    assert cli.main(["space", "show"]) == 2
    assert "missing: GENOTYPE" in capsys.readouterr().err
