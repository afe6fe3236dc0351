"""What a window can be strange in: one measure per file, all built and asked alike."""

from collections.abc import Mapping
from types import MappingProxyType

from downstream.anomaly.detection.parts._part import Cuts, Part
from downstream.anomaly.detection.parts.amplitude import Amplitude
from downstream.anomaly.detection.parts.isolation import Isolation
from downstream.anomaly.detection.parts.nearest import Nearest
from downstream.anomaly.detection.parts.nearest_raw import NearestRaw
from downstream.anomaly.detection.parts.nearest_shape import NearestShape
from downstream.anomaly.detection.parts.sub_pca import SubPCA

__all__ = ["PARTS", "Cuts", "Part"]

PARTS: Mapping[str, type[Part]] = MappingProxyType(
    {
        "nearest": Nearest,
        "nearest_shape": NearestShape,
        "nearest_raw": NearestRaw,
        "sub_pca": SubPCA,
        "amplitude": Amplitude,
        "isolation": Isolation,
    }
)
