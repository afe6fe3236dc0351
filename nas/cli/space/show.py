"""Genotypes: one in words, as a listing of its graph, and as a picture; or some drawn at random, as JSON lines."""

import json
from pathlib import Path

import numpy as np

from nas.choosing.genotype_file import named_genotype
from nas.cli.text import Shown
from nas.errors import OutputExistsError
from nas.options.space import SampleOptions, ShowOptions
from nas.picture import plan_genotype, write_picture
from search_space.drawing import sample_candidates
from search_space.genotype import Genotype
from search_space.genotype.graph import encoder_edges, to_networkx
from search_space.presets import NAMED


def show_genotype(options: ShowOptions) -> Shown:
    """Return the genotype in words and write its picture where one is asked for.

    Raises:
        OptionError: If there is no such genotype.
        GenotypeError: If a file holds something else.
        OutputExistsError: If the picture exists.
    """
    genotype = named_genotype(options.genotype, kind=options.task)
    title = options.genotype if options.genotype in NAMED else Path(options.genotype).resolve().name
    parts = [f"{title}, key {genotype.key}"]
    if options.genotype in NAMED:
        known = NAMED[options.genotype]
        parts.append(f"Source: {known.source}\nDiffers: {known.differs}")
    parts += [genotype.describe(), graph_listing(genotype)]
    if options.output is not None:
        path = Path(options.output)
        if path.exists() and not options.overwrite:
            raise OutputExistsError(f"{path} exists; --overwrite replaces it")
        write_picture(plan_genotype(genotype, title=title), path)
        parts.append(f"Drawn in {path}")
    return Shown("\n\n".join(parts))


def sample_space(options: SampleOptions) -> Shown:
    """Return different genotypes in the dict form, one line each.

    Raises:
        SamplingError: If the space holds fewer.
    """
    drawn = sample_candidates(options.number, np.random.default_rng(options.rng_seed), options.search_space)
    return Shown("\n".join(json.dumps(genotype.to_dict()) for genotype in drawn))


def graph_listing(genotype: Genotype) -> str:
    """Return the encoder's graph as lines: every node with the edges that it sums."""
    cell, edges = genotype.encoder, encoder_edges(to_networkx(genotype))
    width = max(len(op) for _, _, op in edges)
    lines = [f"input   {cell.normalization} normalization, {cell.channels} channels, to {cell.hidden} features: node 0"]
    for place, (source, node, op) in enumerate(edges):
        follows = place > 0 and edges[place - 1][1] == node
        head = " " * len(f"node {node} ◀─") + "└" if follows else f"node {node} ◀─" + ("─" if node == 1 else "┬")
        lines.append(f"{head} {op:{width}} ── node {source}")
    repeated = f", the graph {cell.blocks} times in a row" if cell.blocks > 1 else ""
    lines.append(f"output  node {cell.n_inner}{repeated}, to {cell.output} features, readout {cell.readout}")
    return "\n".join(lines)
