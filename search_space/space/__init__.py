"""Which values may be drawn: the spaces, those that come with the software, the form that users write, exact sizes."""

from search_space.space.choices import SearchSpace, SpaceError
from search_space.space.reading import read_space
from search_space.space.regions import Region, Regions, Space
from search_space.space.shipped import SPACES, default_space, full_space

__all__ = [
    "SPACES",
    "Region",
    "Regions",
    "SearchSpace",
    "Space",
    "SpaceError",
    "default_space",
    "full_space",
    "read_space",
]
