"""Containers of other libraries to pandas and NumPy; what they say of names, times and gaps is kept."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from downstream.data.time_columns import TIME_NAMES
from downstream.errors import DataError

_CHANNEL_NAMES = frozenset(
    {"channel", "channels", "variable", "variables", "variate", "variates", "feature", "features"}
)


def unwrapped(value: Any) -> Any:
    """Return a DataFrame, a Series, an array or a list for what stands for one, and anything else as it is.

    No library is imported for it: an object is asked what it can do.

    Raises:
        DataError: If an object of a known form cannot be read; says what to pass instead.
    """
    if isinstance(value, pd.DataFrame):
        return pd.DataFrame(value)  # subclasses, such as AutoGluon's, guard what may be done with them
    if isinstance(value, pd.Series | str | bytes):
        return value
    if isinstance(value, pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(value, index=pd.RangeIndex(len(value)))
    if isinstance(value, np.ma.MaskedArray):
        gap: Any = np.nan if value.dtype.kind in "fiub" else None
        return np.where(value.mask, gap, value.data) if np.ma.is_masked(value) else np.asarray(value.data)
    if isinstance(value, np.ndarray):
        return _from_array(value)
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise DataError(f"{type(value).__name__}: a sparse matrix is not read as series; pass X.toarray()")
    if hasattr(value, "__next__"):
        raise DataError(f"{type(value).__name__}: it can be read only once; pass list(...) of it")
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        return _from_tensor(value)
    if hasattr(value, "collect") and hasattr(value, "collect_schema"):  # polars.LazyFrame
        value = value.collect()
    if hasattr(value, "dims") and hasattr(value, "to_dataframe"):
        return _from_xarray(value)
    if hasattr(value, "to_pandas"):
        try:
            return unwrapped(value.to_pandas())
        except ImportError as error:
            raise DataError(f"{type(value).__name__}: it is read by way of pandas ({error})") from error
    if isinstance(value, Sequence) and not isinstance(value, list | tuple) and not hasattr(value, "__array__"):
        return list(value)
    return value


def _from_array(array: NDArray[Any]) -> Any:
    """Return an array of arrays as the list that it is."""
    if array.dtype.kind == "O" and array.ndim == 1 and len(array) and is_cell(array[0]):
        return list(array)
    return np.asarray(array)


def is_cell(value: Any) -> bool:
    """Whether a value is a series of values itself."""
    return not isinstance(value, str | bytes) and hasattr(value, "__len__") and getattr(value, "ndim", 1) > 0


def _from_tensor(tensor: Any) -> NDArray[Any]:
    tensor = tensor.detach().cpu()
    if str(getattr(tensor, "layout", "torch.strided")) != "torch.strided":
        raise DataError("Tensor: a sparse tensor is not read as series; pass X.to_dense()")
    if tensor.is_floating_point():  # NumPy has no bfloat16
        tensor = tensor.double()
    return np.asarray(tensor.numpy())


def _from_xarray(value: Any) -> pd.DataFrame:
    """Return dimensions `(time)` or `(id, time)` as rows; variables, or a dimension of channels, as columns."""
    what = type(value).__name__
    times = [dim for dim in value.dims if str(dim).lower() in (TIME_NAMES | {"t"})]
    others = [dim for dim in value.dims if dim not in times]
    if len(times) != 1:
        raise DataError(f"{what}: one dimension must be called time, got {', '.join(map(str, value.dims))}")
    if hasattr(value, "to_dataset"):  # a DataArray
        named = [dim for dim in others if str(dim).lower() in _CHANNEL_NAMES]
        wide = len(others) == 2 or value.dims[0] == times[0]
        channel = named[0] if named else others[-1] if others and wide else None
        others = [dim for dim in others if dim != channel]
        value = value.to_dataset(name=value.name or "value") if channel is None else value.to_dataset(dim=channel)
    if len(others) > 1:
        raise DataError(
            f"{what}: beside time and variables there may be one dimension, of ids; got {', '.join(map(str, others))}"
        )
    frame = value.to_dataframe(dim_order=[*others, *times])
    return pd.DataFrame(frame[list(value.data_vars)])
