"""Export a dense mapping network to ONNX: ``python -m models.export WEIGHTS --out FOLDER``.

The two halves become two graphs, ``encode.onnx`` and ``decode.onnx``, of dynamic height and width (multiples of 32).
Both carry the network's configuration and title as metadata, so that they can be used without the weight file.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.checkpoints import load_generator
from models.config import WeightFileError
from models.generator import DenseMappingNetwork
from models.graph_files import write_graph
from resources.labels import LABEL_COUNT

GRAPHS = ("encode.onnx", "decode.onnx")

TOLERANCE = 1e-2
"""Largest difference between ONNX Runtime and PyTorch that is put down to rounding, for random weights and inputs."""


class _Encode(nn.Module):
    def __init__(self, network: DenseMappingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, labels: Tensor, image: Tensor) -> Tensor:
        return self.network.encode(labels, image)


class _Decode(nn.Module):
    def __init__(self, network: DenseMappingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, labels: Tensor, style: Tensor) -> Tensor:
        return self.network.decode(labels, style)


class _DecodeContext(_Decode):
    def forward(self, labels: Tensor, style: Tensor, image: Tensor, region: Tensor) -> Tensor:  # type: ignore[override]
        return self.network.decode(labels, style, image, region)


def export_generator(network: DenseMappingNetwork, title: str, folder: Path) -> None:
    """Write ``encode.onnx`` and ``decode.onnx``; files already there are replaced once both graphs are whole.

    Parameters
    ----------
    network
        The network, in eval mode on the CPU.
    title
        The name people see, kept in the graphs' metadata.
    folder
        Where to write; made if missing.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    multiple = network.config.multiple
    # Unequal sides keep the exporter from taking height and width for one.
    height, width = 2 * multiple, 3 * multiple
    labels = torch.zeros(1, height, width, dtype=torch.uint8)
    image = torch.zeros(1, 3, height, width)
    style = torch.zeros(1, network.config.style_size)
    region = torch.zeros(1, 1, height, width)
    rows = torch.export.Dim("rows", min=1, max=1024) * multiple
    columns = torch.export.Dim("columns", min=1, max=1024) * multiple
    sizes = {
        "labels": {1: rows, 2: columns},
        "image": {2: rows, 3: columns},
        "style": None,
        "region": {2: rows, 3: columns},
    }
    context = network.config.context
    halves = (
        (GRAPHS[0], _Encode(network), {"labels": labels, "image": image}, "style"),
        (
            GRAPHS[1],
            _DecodeContext(network) if context else _Decode(network),
            {"labels": labels, "style": style} | ({"image": image, "region": region} if context else {}),
            "render",
        ),
    )
    metadata = {"config": network.config.to_json(), "title": title, "multiple": str(multiple)}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as part:
        for name, module, inputs, output in halves:
            write_graph(module, inputs, output, {key: sizes[key] for key in inputs}, metadata, Path(part) / name)
        for name in GRAPHS:
            (Path(part) / name).replace(folder / name)


def check_export(network: DenseMappingNetwork, folder: Path, seed: int = 0) -> dict[str, float]:
    """Run exported graphs and the network on the same random inputs, at three sizes.

    Parameters
    ----------
    network
        The network that was exported.
    folder
        Where ``encode.onnx`` and ``decode.onnx`` are.
    seed
        Of the inputs.

    Returns
    -------
    dict
        For each size, as ``"HxW"``, the largest absolute difference of style codes and renders, the latter in [-1, 1].
    """
    import onnxruntime

    config, generator = network.config, torch.Generator().manual_seed(seed)
    encode, decode = (
        onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"]) for name in GRAPHS
    )
    unit, worst = config.multiple, {}
    for height, width in ((2 * unit, 2 * unit), (3 * unit, 5 * unit), (max(config.size, 4 * unit),) * 2):
        labels = torch.randint(0, LABEL_COUNT, (1, height, width), generator=generator, dtype=torch.uint8)
        image = torch.rand(1, 3, height, width, generator=generator) * 2 - 1
        region = (torch.rand(1, 1, height, width, generator=generator) < 0.5).float()
        with torch.inference_mode():
            style = network.encode(labels, image)
            render = network.decode(labels, style, *((image, region) if config.context else ()))
        inputs = {"labels": labels, "style": style, "image": image, "region": region}
        for session, expected in ((encode, style), (decode, render)):
            feed = {entry.name: inputs[entry.name].numpy() for entry in session.get_inputs()}
            difference = abs(np.asarray(session.run(None, feed)[0]) - expected.numpy()).max()
            key = f"{height}x{width}"
            worst[key] = float(np.maximum(worst.get(key, 0.0), difference))  # unlike max, it keeps a NaN
    return worst


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status: 1 if nothing could be written, 2 if the graphs compute something else."""
    parser = argparse.ArgumentParser(prog="python -m models.export", description="Export a network to ONNX.")
    parser.add_argument("weights", type=Path, help="a .safetensors or published .pth file")
    parser.add_argument("--out", type=Path, required=True, help="folder for encode.onnx and decode.onnx")
    args = parser.parse_args(argv)
    try:
        network, title = load_generator(args.weights)
        export_generator(network, title, args.out)
    except (WeightFileError, OSError) as error:
        print(f"Export failed: {error}", file=sys.stderr)
        return 1
    print(f"Wrote {', '.join(GRAPHS)} to {args.out}")
    differences = check_export(network, args.out)
    for size, difference in differences.items():
        print(f"Largest difference from PyTorch at {size}, random inputs: {difference:.1e}")
    if not all(difference <= TOLERANCE for difference in differences.values()):
        print(f"That is more than {TOLERANCE:.0e}: do not use these graphs.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
