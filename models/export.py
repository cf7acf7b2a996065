"""Export a dense mapping network to ONNX: ``python -m models.export WEIGHTS --out FOLDER``.

``encode.onnx`` and ``decode.onnx`` are the network's two halves, of dynamic height and width (multiples of 32). What
``decode.onnx`` leaves besides the render lets ``part.onnx`` render a part of an edited picture: see models/local.py.
All carry the network's configuration and title as metadata, so that they can be used without the weight file. With a
quantisation there are int8 forms of the latter two; ``check.npz`` holds what the graphs should make of an example.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from models.checkpoints import load_generator
from models.config import WeightFileError
from models.generator import DenseMappingNetwork
from models.graph_files import write_graph
from models.local import PartDecode, WholeDecode
from resources.labels import LABEL_COUNT

if TYPE_CHECKING:
    from models.quantize import Quantization

GRAPHS = ("encode.onnx", "decode.onnx", "part.onnx")

INT8_GRAPHS = {"decode.onnx": "decode-int8.onnx", "part.onnx": "part-int8.onnx"}
"""The graphs that can be quantised, and what their int8 forms are called."""

CHECK = "check.npz"

TOLERANCE = 1e-2
"""Largest difference between ONNX Runtime and PyTorch that is put down to rounding, for random weights and inputs."""


class _Encode(nn.Module):
    def __init__(self, network: DenseMappingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, labels: Tensor, image: Tensor) -> Tensor:
        return self.network.encode(labels, image)


def export_generator(
    network: DenseMappingNetwork, title: str, folder: Path, quantization: "Quantization | None" = None
) -> None:
    """Write the graphs and the check; files already there are replaced once all are whole.

    Parameters
    ----------
    network
        The network, in eval mode on the CPU.
    title
        The name people see, kept in the graphs' metadata.
    folder
        Where to write; made if missing.
    quantization
        How to make int8 graphs; None for none.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    config = network.config
    metadata = {"config": config.to_json(), "title": title, "multiple": str(config.multiple)}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as name:
        part = Path(name)
        inputs, sizes = _whole_inputs(network)
        encoded = {key: inputs[key] for key in ("labels", "image")}
        write_graph(
            _Encode(network), encoded, ["style"], {key: sizes[key] for key in encoded}, metadata, part / GRAPHS[0]
        )
        used = ("labels", "style", "image", "region") if config.context else ("labels", "style")
        inputs, sizes = ({key: values[key] for key in used} for values in (inputs, sizes))
        outputs = ["render", "statistics", "deep"]
        quicker = WholeDecode(network, quicker=True)
        write_graph(quicker, inputs, outputs, sizes, metadata, part / GRAPHS[1])
        plain = part / GRAPHS[1]
        if quantization is not None and quicker.differs:
            plain = part / "plain.onnx"
            write_graph(WholeDecode(network), inputs, outputs, sizes, metadata, plain)
        write_graph(PartDecode(network), *_part_inputs(network), metadata, part / GRAPHS[2])
        if quantization is not None:
            from models.quantize import quantize_graph

            quantize_graph(plain, part / INT8_GRAPHS[GRAPHS[1]], quantization)
            quantize_graph(part / GRAPHS[2], part / INT8_GRAPHS[GRAPHS[2]], quantization)
        np.savez(part / CHECK, allow_pickle=False, **example(network))
        for done in (*GRAPHS, *INT8_GRAPHS.values(), CHECK):
            if (part / done).exists():
                (part / done).replace(folder / done)


def _whole_inputs(network: DenseMappingNetwork) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return an example of each input of the two halves, and which of their dimensions are open."""
    multiple = network.config.multiple
    # Unequal sides keep the exporter from taking height and width for one.
    height, width = 2 * multiple, 3 * multiple
    rows = torch.export.Dim("rows", min=1, max=1024) * multiple
    columns = torch.export.Dim("columns", min=1, max=1024) * multiple
    inputs = {
        "labels": torch.zeros(1, height, width, dtype=torch.uint8),
        "image": torch.zeros(1, 3, height, width),
        "style": torch.zeros(1, network.config.style_size),
        "region": torch.zeros(1, 1, height, width),
    }
    sizes = {
        "labels": {1: rows, 2: columns},
        "image": {2: rows, 3: columns},
        "style": None,
        "region": {2: rows, 3: columns},
    }
    return inputs, sizes


def _part_inputs(network: DenseMappingNetwork) -> tuple[dict[str, Tensor], list[str], dict[str, Any]]:
    """Return the same for a part's graph, with its output's name in between."""
    config = network.config
    inputs, _ = _whole_inputs(network)
    with torch.inference_mode():
        context = (inputs["image"], inputs["region"]) if config.context else ()
        _, statistics, deep = WholeDecode(network)(inputs["labels"], inputs["style"], *context)
    step, cells = 2**config.downsamplings, (2, 3)
    height, width = (step * count for count in cells)
    rows, columns = (torch.export.Dim(name, min=2, max=4096) for name in ("rows", "columns"))
    inputs = {
        "labels": torch.zeros(1, height, width, dtype=torch.uint8),
        "style": inputs["style"],
        "statistics": torch.zeros(statistics.shape),
        "around": torch.zeros(*deep.shape[:2], cells[0] + 2, cells[1] + 2),
        "origin": torch.tensor([step, 2 * step]),
    }
    sizes = {
        "labels": {1: rows * step, 2: columns * step},
        "style": None,
        "statistics": None,
        "around": {2: rows + 2, 3: columns + 2},
        "origin": None,
    }
    if config.context:
        inputs |= {"image": torch.zeros(1, 3, height, width), "region": torch.zeros(1, 1, height, width)}
        sizes |= {name: {2: rows * step, 3: columns * step} for name in ("image", "region")}
    return inputs, ["render"], sizes


def example(network: DenseMappingNetwork) -> dict[str, np.ndarray]:
    """Make an example of a portrait and an edit, and what the network makes of it.

    Returns
    -------
    dict
        ``labels`` uint8 (H, W); ``pixels`` uint8 (H, W, 3) RGB; ``region`` float32 (H, W), 0 or 1; ``style`` float32
        (S,), the network's code of them; ``render`` float32 (H, W, 3) in [-1, 1].
    """
    # The network's own size: back ends that are made ready for one size are made ready for this one anyway.
    height = width = network.config.size
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, LABEL_COUNT, (height // 16, width // 16), dtype=np.uint8)
    labels = coarse.repeat(16, axis=0).repeat(16, axis=1)
    pixels = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    region = np.zeros((height, width), np.float32)
    region[height // 4 : height // 2, width // 4 : width // 2] = 1
    ids, image = torch.from_numpy(labels)[None], torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        style = network.encode(ids, image)
        render = network.decode(
            ids, style, *((image, torch.from_numpy(region)[None, None]) if network.config.context else ())
        )
    return {
        "labels": labels,
        "pixels": pixels,
        "region": region,
        "style": style[0].numpy(),
        "render": np.ascontiguousarray(render[0].permute(1, 2, 0).numpy()),
    }


def check_export(network: DenseMappingNetwork, folder: Path, seed: int = 0) -> dict[str, float]:
    """Run the exported halves and the network on the same random inputs, at three sizes.

    Parameters
    ----------
    network
        The network that was exported.
    folder
        Where the graphs are.
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
        onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"]) for name in GRAPHS[:2]
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
    parser.add_argument("--out", type=Path, required=True, help="folder for the graphs")
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
