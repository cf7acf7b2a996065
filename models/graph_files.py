"""Writing networks as ONNX graphs."""

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def write_graph(
    module: nn.Module,
    inputs: dict[str, Tensor],
    outputs: Sequence[str],
    sizes: dict[str, Any],
    metadata: dict[str, str],
    path: Path,
) -> None:
    """Write a network as one graph; a file already there is replaced once the new one is whole.

    Parameters
    ----------
    module
        The network, on the CPU; put into eval mode.
    inputs
        An example of each input, by name, in order.
    outputs
        The outputs' names, in order.
    sizes
        For each input, which of its dimensions are open: see ``dynamic_shapes`` of `torch.onnx.export`.
    metadata
        Kept in the graph.
    path
        The file; its folder is made if missing.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    import onnx

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as part, warnings.catch_warnings():
        # The exporter's own notices concern its developers, not the people who wait for it.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=sizes,
            dynamo=True,
            verbose=False,
        )
        assert program is not None
        graph = program.model_proto
        onnx.helper.set_model_props(graph, metadata)
        onnx.save(graph, Path(part) / path.name)
        (Path(part) / path.name).replace(path)
