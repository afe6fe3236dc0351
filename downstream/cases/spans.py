"""Training cases as probes see them: by the features of one encoder, or of each of several."""

import numpy as np

from downstream.probes.spans import Spans
from downstream.represent import Represent, flatten_streams, flattened, represented
from downstream.windows import Windows


def spans_of(represent: Represent, windows: Windows) -> Spans:
    """Return training windows by their features, as probes see them: each encoder of a combination by itself.

    What each of them counts the combination says by `weights`.
    """
    z = represented(represent, windows)
    x, of = flattened(represent, z), getattr(represent, "members", None)
    if of is None:
        return Spans.of(x)
    widths = [flatten_streams(z[:1, :, of == number]).shape[1] for number in range(int(of.max()) + 1)]
    members = np.repeat(np.arange(len(widths)), widths)
    return Spans.of(x, members=members, weights=getattr(represent, "weights", None))
