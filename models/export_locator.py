"""Export a face locator to ONNX, of dynamic height and width (multiples of 16)."""

from pathlib import Path

import torch

from models.face_locator import FaceLocator
from models.graph_files import write_graph


def export_locator(network: FaceLocator, path: Path) -> None:
    """Write a locator as one graph; a file already there is replaced once the new one is whole.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    # Unequal sides keep the exporter from taking height and width for one.
    image = torch.zeros(1, 3, 2 * network.multiple, 3 * network.multiple)
    rows, columns = (torch.export.Dim(name, min=1, max=1024) * network.multiple for name in ("rows", "columns"))
    write_graph(network, {"image": image}, ["answer"], {"image": {2: rows, 3: columns}}, {}, path)
