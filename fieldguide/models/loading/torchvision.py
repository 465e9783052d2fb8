"""Lets torchvision be imported beside a torch build that it was not compiled for.

The wheel of torchvision on the package index is compiled for CUDA. Beside a CPU build of torch its native library
does not load, and its import then fails because it registers fake implementations for operators that nobody declared
("operator torchvision::nms does not exist"). Declaring those operators is enough: nothing here calls them.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from pathlib import Path
from typing import Any

_SCHEMA = "{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_OPERATORS = ("nms", "qnms")
# A torch.library.Library withdraws its declarations when it is collected.
_kept: list[Any] = []


@functools.cache
def declare_operators() -> bool:
    """Declare torchvision's operators if, and only if, its native library will not.

    Call this before the first import of torchvision, open_clip, timm or a model class of transformers.

    Returns:
        True if the operators were declared here.
    """
    import torch

    if torch.version.cuda is not None or _native_library_loads() or hasattr(torch.ops.torchvision, _OPERATORS[0]):
        return False
    library = torch.library.Library("torchvision", "DEF")
    for name in _OPERATORS:
        library.define(_SCHEMA.format(name=name))
    _kept.append(library)
    return True


def _native_library_loads() -> bool:
    """Whether torchvision's compiled operators fit this torch; declaring them twice would abort the process."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return False
    for library in sorted(Path(found.origin).parent.glob("_C*.so")):
        try:
            ctypes.CDLL(str(library))
        except OSError:
            continue
        return True
    return False
