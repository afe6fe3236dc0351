"""Representations of every step of ETTh1 (a window of 201 steps each, its last step): ours against public `encode`.

Usage: python benchmarks/encode.py --public CHECKOUT [--data examples/data/ETTh1.csv] [--rows 2000]
Both encoders hold the same weights: the public one has a last convolution block where ours has a linear map, so the
block's second convolution is set to zero and its 1 x 1 projection to our map, which makes it the same function. It
still computes the block; the share of its multiply-adds is printed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from public_ts2vec import import_from, machine_line, one_thread, parser, verdict
from timing import in_turn

from downstream.data import load_task
from downstream.windows import Windows
from encoders.encoder import Encoder
from nas.representer import Representer
from search_space.presets import preset

NEEDED, TOLERANCE, PADDING = 5.0, 1e-4, 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Check that both give the same, then time them."""
    made = parser(__doc__)
    made.add_argument("--data", type=Path, default=Path("examples/data/ETTh1.csv"))
    made.add_argument("--rows", type=int, help="only the first rows, for a quick look")
    asked = made.parse_args(arguments)
    one_thread()
    ts2vec = import_from(asked.public)
    print(machine_line())
    task: Any = load_task(str(asked.data), kind="forecasting", protocol="ts2vec")
    values = task.open_test().series[0][: asked.rows]
    torch.manual_seed(0)
    encoder = Encoder(preset("ts2vec", kind="forecasting").encoder, variates=values.shape[1]).eval()
    represent = Representer(encoder)
    public = _public_of(encoder, ts2vec, variates=values.shape[1])

    def theirs() -> NDArray[np.float32]:
        encoded = public.encode(
            values[None].astype(np.float64), causal=True, sliding_length=1, sliding_padding=PADDING, batch_size=256
        )
        return np.asarray(encoded[0], dtype=np.float32)

    def ours() -> NDArray[np.float32]:
        padded = np.concatenate([np.full((PADDING, values.shape[1]), np.nan, dtype=np.float32), values])
        windows = Windows(padded, np.arange(len(values)), PADDING + 1)
        return represent(windows)[:, 0]

    gap = float(np.abs(theirs()[PADDING:] - ours()[PADDING:]).max())
    print(f"{len(values)} rows: representations differ by at most {gap:.1e} (allowed {TOLERANCE:g})")
    if gap > TOLERANCE:
        print("the representations are not equal")
        return 1
    first, second = in_turn([theirs, ours], repeats=asked.repeats)
    print(f"public {first}, ours {second}: {second.median / len(values) * 1e6:.0f} us a row")
    hidden, output = encoder.projection.out_features, encoder.features
    blocks = 20 * 3 * hidden**2
    block = 3 * hidden * output + 3 * output**2 + hidden * output
    print(f"the public code's last block is {block / (blocks + block):.2f} of its multiply-adds")
    return verdict(first.median / second.median, NEEDED)


def _public_of(encoder: Encoder, ts2vec: Any, *, variates: int) -> Any:
    """Return a public model that computes the same function as our encoder."""
    model = ts2vec.TS2Vec(input_dims=variates, output_dims=encoder.features, device="cpu")
    network = model.net.module
    blocks = network.feature_extractor.net
    with torch.no_grad():
        network.input_fc.load_state_dict(encoder.projection.state_dict())
        for theirs, ours in zip(blocks, encoder.blocks, strict=False):
            operator: Any = ours.operators[0]  # type: ignore[index, union-attr]
            for conv, convolution in ((theirs.conv1, operator.first), (theirs.conv2, operator.second)):
                conv.conv.weight.copy_(convolution.weight[:, :, 0])
                conv.conv.bias.copy_(convolution.bias)
        last = blocks[len(encoder.blocks)]
        last.conv2.conv.weight.zero_()
        last.conv2.conv.bias.zero_()
        last.projector.weight.copy_(encoder.output.weight[:, :, None])
        last.projector.bias.copy_(encoder.output.bias)
    return model


if __name__ == "__main__":
    sys.exit(main())
