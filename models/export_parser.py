"""Export a face parser to ONNX: ``python -m models.export_parser WEIGHTS --out FILE.onnx``.

Ours and BiSeNet get the same interface: ``image``, float32 RGB of shape (N, 3, H, W) in [-1, 1], becomes ``logits``,
float32 of shape (N, 19, H, W) in CelebAMask-HQ's order, with any N and with H and W multiples of the network's own.
What else is needed to use the graph is in its metadata.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.bisenet import MULTIPLE, CelebAMaskParser, load_bisenet
from models.config import WeightFileError
from models.face_parser import load_parser
from models.graph_files import write_graph
from models.parser_facts import BISENET_LICENCE, BISENET_SIZE, GRAPH, SIZE

TOLERANCE = 1e-3
"""Largest difference between ONNX Runtime and PyTorch, relative to the largest logit, that is put down to rounding."""


@dataclass(frozen=True)
class ParserModel:
    """A face parser of either kind, behind one interface.

    Attributes
    ----------
    network
        Turns float32 RGB (N, 3, H, W) in [-1, 1] into logits (N, 19, H, W), in CelebAMask-HQ's order; in eval mode.
    title
        The name people see.
    size
        The side in pixels of the pictures that it was trained on.
    multiple
        Height and width must be multiples of this.
    mirror
        Whether it is worth while to label the mirror image as well, and to average both.
    licence
        Terms that people must be shown; empty for our own.
    """

    network: nn.Module
    title: str
    size: int
    multiple: int
    mirror: bool
    licence: str = ""

    def metadata(self) -> dict[str, str]:
        """Return what a graph carries."""
        return {
            "network": GRAPH,
            "title": self.title,
            "size": str(self.size),
            "multiple": str(self.multiple),
            "mirror": str(int(self.mirror)),
            "licence": self.licence,
        }


def open_parser(path: Path) -> ParserModel:
    """Load our own parser (``.safetensors``) or BiSeNet (``.pth``) on the CPU.

    Raises
    ------
    WeightFileError
        If the file cannot be used.
    """
    if path.suffix == ".pth":
        network = CelebAMaskParser(load_bisenet(path)).eval()
        # Large enough that a second pass would cost more than it mends.
        return ParserModel(network, "BiSeNet (published)", BISENET_SIZE, MULTIPLE, False, BISENET_LICENCE)
    network = load_parser(path)
    return ParserModel(network, "Maskbrush face parser", SIZE, network.config.multiple, True)


def export_parser(model: ParserModel, path: Path) -> None:
    """Write a face parser as one graph; a file already there is replaced once the new one is whole.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    # Unequal sides keep the exporter from taking height and width for one, and a batch of two from fixing it at one.
    image = torch.zeros(2, 3, 2 * model.multiple, 3 * model.multiple)
    rows, columns = (torch.export.Dim(name, min=1, max=1024) * model.multiple for name in ("rows", "columns"))
    sizes = {"image": {0: torch.export.Dim("batch", min=1, max=64), 2: rows, 3: columns}}
    write_graph(model.network, {"image": image}, ["logits"], sizes, model.metadata(), path)


def check_parser_export(model: ParserModel, path: Path, seed: int = 0) -> dict[str, float]:
    """Run an exported graph and its network on the same random inputs.

    Returns
    -------
    dict
        For each shape, as ``"NxHxW"``, the largest absolute difference of the logits, divided by the largest logit.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(seed)
    unit, differences = model.multiple, {}
    for count, height, width in ((1, model.size, model.size), (2, 2 * unit, 2 * unit), (3, 3 * unit, 5 * unit)):
        image = torch.rand(count, 3, height, width, generator=generator) * 2 - 1
        with torch.inference_mode():
            expected = model.network(image).numpy()
        found = np.asarray(session.run(None, {"image": image.numpy()})[0])
        differences[f"{count}x{height}x{width}"] = float(abs(found - expected).max() / abs(expected).max())
    return differences


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status: 1 if nothing could be written, 2 if the graph computes something else."""
    parser = argparse.ArgumentParser(prog="python -m models.export_parser", description="Export a face parser to ONNX.")
    parser.add_argument("weights", type=Path, help="a .safetensors file, or BiSeNet's 79999_iter.pth")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx file to write")
    args = parser.parse_args(argv)
    try:
        model = open_parser(args.weights)
        export_parser(model, args.out)
    except (WeightFileError, OSError) as error:
        print(f"Export failed: {error}", file=sys.stderr)
        return 1
    print(f"Wrote {args.out}")
    differences = check_parser_export(model, args.out)
    for shape, difference in differences.items():
        print(f"Largest relative difference from PyTorch at {shape}, random inputs: {difference:.1e}")
    if not all(difference <= TOLERANCE for difference in differences.values()):
        print(f"That is more than {TOLERANCE:.0e}: do not use this graph.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
