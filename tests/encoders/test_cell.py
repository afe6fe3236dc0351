"""The DAG of a cell against sums written by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from encoders.cell import Cell
from search_space.registry import UnknownOptionError


@pytest.fixture(autouse=True)
def _fixed_weights() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        yield


def latent(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_cell_runs_the_dag() -> None:
    edges = [(0, "gru"), (1, "conv1d"), (0, "gated_dilated_conv"), (2, "identity"), (1, "dilated_conv")]
    cell = Cell(edges, hidden=4, first_depth=2, dropout=0.0)
    x = latent(2, 2, 9, 4)
    gru, conv, gated, identity, dilated = cell.operators
    one = gru(x)
    two = (conv(one) + gated(x)) / math.sqrt(2)
    three = (identity(two) + dilated(one)) / math.sqrt(2)
    torch.testing.assert_close(cell(x), three)
    assert [operator.dilation for operator in cell.operators] == [4, 8, 8, 16, 16]


def test_one_identity_edge_is_the_identity() -> None:
    x = latent(1, 1, 3, 4)
    torch.testing.assert_close(Cell([(0, "identity")], hidden=4, first_depth=0, dropout=0.0)(x), x)


def test_sums_of_independent_values_keep_their_variance() -> None:
    x = latent(8, 1, 200, 16)
    edges = [(0, "conv1d"), *[(node, "conv1d") for node in (1, 0, 2, 0, 3, 0, 4, 0, 5, 0)]]
    out = Cell(edges, hidden=16, first_depth=0, dropout=0.0)(x)
    assert 0.3 < out.std() / x.std() < 3.0


def test_steps_outside_the_span_stay_zero_and_change_nothing() -> None:
    edges = [(0, "conv1d"), (1, "dilated_conv"), (0, "temporal_attention"), (2, "patch_attention"), (1, "conv1d")]
    cell = Cell(edges, hidden=16, first_depth=0, dropout=0.0).double()
    x = latent(2, 2, 20, 16).double()
    span = torch.ones(2, 20, dtype=torch.bool)
    span[0, 11:] = False
    x[0, :, 11:] = 0.0
    out = cell(x, span)
    assert (out[0, :, 11:] == 0).all()
    torch.testing.assert_close(out[:1, :, :11], cell(x[:1, :, :11]))


@pytest.mark.parametrize("edges", [[], [(0, "identity")] * 2, [(0, "identity")] * 13])
def test_a_wrong_number_of_edges_is_refused(edges: list[tuple[int, str]]) -> None:
    with pytest.raises(ValueError, match=rf"Cell\.edges: must hold 2n-1 edges .*, got {len(edges)}"):
        Cell(edges, hidden=4, first_depth=0, dropout=0.0)


def test_an_edge_that_runs_backward_is_refused() -> None:
    edges = [(0, "identity"), (1, "identity"), (2, "identity")]
    with pytest.raises(
        ValueError, match=r"Cell\.edges\[2\]: input node must be in 0\.\.1 \(edges run forward\), got 2"
    ):
        Cell(edges, hidden=4, first_depth=0, dropout=0.0)


def test_an_unknown_operator_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownOptionError, match=r"'dilated_conf'; did you mean 'dilated_conv'"):
        Cell([(0, "dilated_conf")], hidden=4, first_depth=0, dropout=0.0)
