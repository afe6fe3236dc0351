"""One genotype as a picture: where everything stands, and the SVG or PNG of it."""

from nas.picture.layout import Box, Layout, Line
from nas.picture.plan import plan_genotype
from nas.picture.write import write_picture

__all__ = ["Box", "Layout", "Line", "plan_genotype", "write_picture"]
