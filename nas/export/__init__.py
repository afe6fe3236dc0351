"""A saved encoder as a file that needs nothing of this software: its graph, in one of the formats, compared with it."""
