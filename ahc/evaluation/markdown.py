"""Frames as Markdown tables, without an extra dependency."""

from collections.abc import Mapping

import pandas as pd


def markdown_table(frame: pd.DataFrame) -> str:
    """Return a frame as a Markdown table; figures have four significant digits, small integers stay whole."""
    rows = [[str(name) for name in frame.columns], ["---"] * frame.shape[1]]
    for values in frame.itertuples(index=False):
        rows.append([f"{value:.4g}" if isinstance(value, float) else str(value) for value in values])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def markdown_sections(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return each frame below its title."""
    return "\n\n".join(f"### {title}\n\n{markdown_table(table)}" for title, table in tables.items()) + "\n"
