"""Which values may be drawn: the space, the two that come with the software, and their exact sizes."""

from search_space.space.choices import SearchSpace, SpaceError
from search_space.space.shipped import default_space, full_space

__all__ = ["SearchSpace", "SpaceError", "default_space", "full_space"]
