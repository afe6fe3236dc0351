"""The formats that an encoder can be exported to, and what they need; nothing is imported before its use."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType

from nas.errors import OptionError


@dataclass(frozen=True)
class Format:
    """A format of exported files.

    Args:
        ending: Of the name of a file.
        writer: Module of `nas.export` with `content(program, facts)` and `reader(content)`.
        requires: Packages that must be installed to write a file and to compare it with the encoder.
    """

    ending: str
    writer: str
    requires: tuple[str, ...] = ()

    def check_installed(self) -> None:
        """Check that what the format needs is there, without importing it.

        Raises:
            OptionError: If it is not.
        """
        missing = [name for name in self.requires if find_spec(name) is None]
        if missing:
            what = f"{', '.join(missing)} {'are' if len(missing) > 1 else 'is'}"
            raise OptionError(f"format: {what} not installed; pip install 'ts-contrastive-nas[export]'")


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "onnx": Format(".onnx", "onnx_file", requires=("onnx", "onnxscript", "onnxruntime")),
        "torchscript": Format(".pt", "torchscript_file"),
        "torch_export": Format(".pt2", "torch_export_file"),
    }
)
