"""Batches and representations: what is drawn, what is cut, and that batching changes nothing."""

from __future__ import annotations

import numpy as np
import torch

from downstream.windows import Windows
from encoders.encoder import Encoder
from nas.representer import Representer
from nas.training.batches import MAX_STREAMS, BatchSource
from search_space.presets import preset

CPU = torch.device("cpu")


def numbered(n: int, length: int, variates: int = 1) -> Windows:
    """Return windows side by side whose values are the row numbers."""
    values = np.arange(n * length, dtype=np.float32)[:, None].repeat(variates, axis=1)
    return Windows(values, np.arange(n, dtype=np.int64) * length, length)


def test_a_batch_holds_distinct_windows_and_whole_ones() -> None:
    windows = numbered(10, 5)
    source = BatchSource(windows, batch_size=8, independent=False, device=CPU)
    batch = source.draw(torch.Generator().manual_seed(0))
    assert batch.shape == (8, 5, 1)
    firsts = batch[:, 0, 0].tolist()
    assert len(set(firsts)) == 8 and all(first % 5 == 0 for first in firsts)
    assert torch.equal(batch[:, 1:] - batch[:, :-1], torch.ones(8, 4, 1))


def test_a_set_smaller_than_the_batch_gives_all_of_it() -> None:
    source = BatchSource(numbered(3, 5), batch_size=8, independent=False, device=CPU)
    assert sorted(source.draw(torch.Generator())[:, 0, 0].tolist()) == [0.0, 5.0, 10.0]


def test_long_windows_are_cut_at_random_places_inside_them() -> None:
    source = BatchSource(numbered(4, 50), batch_size=4, independent=False, device=CPU, max_steps=10)
    generator = torch.Generator().manual_seed(0)
    firsts = torch.cat([source.draw(generator)[:, 0, 0] for _ in range(200)])
    assert set((firsts % 50).long().tolist()) == set(range(41))


def test_cuts_stay_out_of_the_padding_at_the_end() -> None:
    windows = numbered(1, 50)
    windows.values[20:] = np.nan
    source = BatchSource(windows, batch_size=1, independent=False, device=CPU, max_steps=10)
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        assert not source.draw(generator).isnan().any()


def test_independent_encoders_see_a_bounded_number_of_streams() -> None:
    windows = numbered(32, 4, variates=9)
    batch = BatchSource(windows, batch_size=32, independent=True, device=CPU).draw(torch.Generator())
    assert batch.shape[0] * batch.shape[2] <= MAX_STREAMS
    mixed = BatchSource(windows, batch_size=32, independent=False, device=CPU).draw(torch.Generator())
    assert mixed.shape[2] == 9


def test_batching_changes_no_representation_and_hiding_the_last_step_does() -> None:
    torch.manual_seed(0)
    encoder = Encoder(preset("simclr").encoder, variates=2)
    rng = np.random.default_rng(0)
    windows = Windows(rng.normal(size=(60, 2)).astype(np.float32), np.arange(40, dtype=np.int64), 20)
    whole = Representer(encoder)(windows)
    one_by_one = Representer(encoder, tokens_per_batch=20)(windows)
    assert np.allclose(whole, one_by_one, atol=1e-5)
    hidden = Representer(encoder)(windows, mask_last=True)
    assert not np.allclose(whole, hidden, atol=1e-3)
    changed = windows.values.copy()
    changed[19] += 100.0
    other = Representer(encoder)(Windows(changed, windows.starts[:1], 20), mask_last=True)
    assert np.allclose(other, hidden[:1], atol=1e-5)
    assert encoder.training
