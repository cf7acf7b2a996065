"""Export a face locator to ONNX, of dynamic height and width (multiples of 16)."""

import logging
import tempfile
import warnings
from pathlib import Path

import torch

from models.face_locator import FaceLocator


def export_locator(network: FaceLocator, path: Path) -> None:
    """Write a locator as one graph; a file already there is replaced once the new one is whole.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    import onnx

    # Unequal sides keep the exporter from taking height and width for one.
    image = torch.zeros(1, 3, 2 * network.multiple, 3 * network.multiple)
    rows, columns = (torch.export.Dim(name, min=1, max=1024) * network.multiple for name in ("rows", "columns"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as part, warnings.catch_warnings():
        # The exporter's own notices concern its developers, not the people who wait for it.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network.eval(),
            (image,),
            input_names=["image"],
            output_names=["answer"],
            dynamic_shapes={"image": {2: rows, 3: columns}},
            dynamo=True,
            verbose=False,
        )
        assert program is not None
        onnx.save(program.model_proto, Path(part) / path.name)
        (Path(part) / path.name).replace(path)
