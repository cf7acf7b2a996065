"""Libraries that would report their use to their makers, imported so that they do not."""

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

SENDS = "openvino.tools.ovc"
"""A part of OpenVINO that sends a message to its makers when it is imported, as OpenVINO itself does if it can."""


def openvino_runtime() -> Any:
    """Return the module `openvino`, imported without what would send a message over the network.

    Raises
    ------
    ImportError, OSError
        If it cannot be imported.
    """
    modules: dict[str, Any] = sys.modules
    absent = SENDS not in modules
    if absent:
        # Python then refuses to import it, and OpenVINO goes without.
        modules[SENDS] = None
    try:
        import openvino
    finally:
        if absent:
            del modules[SENDS]
    return openvino


@cache
def kept_core(make: Callable[[], Any]) -> Any:
    """Return the one ``openvino.Core``, made by that class; it is never freed.

    Its plugin for the CPU gives the thread that loads it another stack for signals, and takes the memory away when the
    plugin is unloaded, on whichever thread that happens: the next signal, such as Ctrl-C, then ends the program.
    """
    return make()
