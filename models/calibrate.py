"""Prepare a generator for int8: ``python -m models.calibrate WEIGHTS --data FOLDER --parser PARSER``.

Finds the ranges that models/quantize.py needs on the training split, compares int8 with float32 renders on the
validation split, and writes both to a small file beside the weights. Without a data set it makes do with the sample
portraits that come with Maskbrush.
"""

import argparse
import hashlib
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from models.checkpoints import load_generator
from models.config import WeightFileError
from models.data import open_dataset
from models.dataset import DatasetError, PortraitSource, Sample
from models.evaluate import parse
from models.export import GRAPHS, INT8_GRAPHS, export_generator
from models.face_parser import FaceParser, load_parser
from models.generator import DenseMappingNetwork
from models.metrics import confusion, label_scores
from models.options import positive
from models.quantize import Pixels, Quantization, calibrate_on, ranges_file, simulated_edits
from models.quiet import kept_core, openvino_runtime
from models.rendering import to_pixels
from models.sheet import shipped_samples
from resources.labels import LABEL_COUNT

Feed = dict[str, NDArray[Any]]

INPUTS = ("labels", "style", "image", "region")
"""The inputs of the graph ``decode.onnx``, in the order of the arguments of `DenseMappingNetwork.decode`."""


def open_graph(graph: Path, example: Feed) -> tuple[Callable[[Feed], NDArray[np.float32]], str]:
    """Open a graph for inputs of the example's shapes, by OpenVINO or else ONNX Runtime; also says by which."""
    try:
        openvino = openvino_runtime()
    except (ImportError, OSError):
        import onnxruntime

        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        return lambda feed: np.asarray(session.run(None, feed)[0]), f"ONNX Runtime {onnxruntime.__version__}"
    core = kept_core(openvino.Core)
    model = core.read_model(graph)
    model.reshape({name: list(value.shape) for name, value in example.items()})
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(model, "CPU", options)
    version = openvino.__version__.split("-")[0]
    return lambda feed: np.array(compiled(feed)[0]), f"OpenVINO {version}"


def psnr(made: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Return the peak signal-to-noise ratio of two renders in [-1, 1], in dB; at most 120."""
    square = float(np.mean((made.astype(np.float64) - wanted) ** 2))
    return 10 * math.log10(4 / max(square, 4e-12))


def measure(
    network: DenseMappingNetwork,
    quantization: Quantization,
    parser: FaceParser,
    edits: Iterable[tuple[Tensor, ...]],
) -> tuple[dict[str, float | int | str], dict[str, float]]:
    """Compare int8 with float32 renders of edits.

    Parameters
    ----------
    network, quantization
        The network, on the CPU, and what was found for it.
    parser
        Says which labels the renders show.
    edits
        Arguments for `DenseMappingNetwork.decode`, at least one, all of one size.

    Returns
    -------
    measured
        For `Quantization.measured`: PSNR of the int8 renders against the float32 ones in dB, and how well the labels of
        both agree with those asked for.
    milliseconds
        The median time of a render, ``"float32"`` and ``"int8"``, one after the other in turn.
    """
    counts = {kind: np.zeros((LABEL_COUNT, LABEL_COUNT), np.int64) for kind in ("float32", "int8")}
    times: dict[str, list[float]] = {kind: [] for kind in counts}
    found: list[float] = []
    runs: dict[str, Callable[[Feed], NDArray[np.float32]]] = {}
    runtime, size = "", 0
    with tempfile.TemporaryDirectory(prefix="maskbrush-") as name:
        folder = Path(name)
        export_generator(network, "", folder, quantization)
        exact, int8 = folder / GRAPHS[1], folder / INT8_GRAPHS[GRAPHS[1]]
        for arguments in edits:
            feed = {name: value.numpy() for name, value in zip(INPUTS, arguments, strict=False)}
            asked = feed["labels"][0]
            if not runs:
                size = max(asked.shape)
                for kind, graph in (("float32", exact), ("int8", int8)):
                    runs[kind], runtime = open_graph(graph, feed)
                    runs[kind](feed)  # the first time, memory is taken
            renders = {}
            for kind, run in runs.items():
                start = time.perf_counter()
                renders[kind] = run(feed)
                times[kind].append((time.perf_counter() - start) * 1000)
                counts[kind] += confusion(asked, parse(parser, to_pixels(torch.from_numpy(renders[kind]))))
            found.append(psnr(renders["int8"], renders["float32"]))
    measured: dict[str, float | int | str] = {
        "renders": len(found),
        "size": size,
        "runtime": runtime,
        "psnr_db_mean": round(float(np.mean(found)), 2),
        "psnr_db_worst": round(min(found), 2),
    }
    for kind, count in counts.items():
        scores = label_scores(count)
        measured |= {f"{kind}_{key}": scores[key] for key in ("pixel_accuracy", "mean_iou")}
    return measured, {kind: float(np.median(spent)) for kind, spent in times.items()}


def _portraits(samples: Sequence[Sample] | PortraitSource, count: int) -> list[tuple[Pixels, Pixels]]:
    """Choose portraits evenly from all of them."""
    chosen = np.linspace(0, len(samples) - 1, min(len(samples), count)).round().astype(int)
    return [(samples[index].labels, samples[index].pixels) for index in chosen.tolist()]


def calibrate(args: argparse.Namespace) -> tuple[Quantization, dict[str, float]]:
    """Calibrate and measure as the command line asks; see `measure` for the times that are returned as well.

    Raises
    ------
    DatasetError, WeightFileError
        If the data or a weight file cannot be used.
    OSError
        If a graph cannot be written.
    ValueError
        If the network computes something that is not finite.
    """
    network, _ = load_generator(args.weights)
    parser, size = load_parser(args.parser), network.config.size
    if size % parser.config.multiple:
        raise DatasetError(f"The parser takes pictures whose side is a multiple of {parser.config.multiple}.")
    with args.weights.open("rb") as file:
        model_id = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    if args.data is None:
        training = checking = shipped_samples(size)
    else:
        training, checking = (open_dataset(args.data, split, size) for split in ("train", "val"))
    quantization = calibrate_on(network, _portraits(training, args.count), args.count, model_id=model_id)
    edits = simulated_edits(network, _portraits(checking, args.check), args.check, seed=1)
    measured, spent = measure(network, quantization, parser, tqdm(edits, "renders", args.check, disable=args.quiet))
    measured = {"calibrated_on": args.count} | measured
    return Quantization(model_id, quantization.ranges, quantization.exact, measured), spent


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    p = argparse.ArgumentParser(prog="python -m models.calibrate", description="Prepare a generator for int8.")
    p.add_argument("weights", type=Path, help="a .safetensors or published .pth file")
    p.add_argument("--data", type=Path, help="folder of a data set (default: the sample portraits)")
    p.add_argument("--parser", type=Path, required=True, help="weights of a face parser")
    p.add_argument("--out", type=Path, help="the file to write (default: beside the weights)")
    p.add_argument("--count", type=positive, default=64, help="simulated edits to calibrate on (default 64)")
    p.add_argument("--check", type=positive, default=64, help="simulated edits to measure on (default 64)")
    p.add_argument("--quiet", action="store_true", help="no progress bar")
    args = p.parse_args(argv)
    out = args.out or ranges_file(args.weights)
    try:
        quantization, spent = calibrate(args)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(quantization.to_json(), encoding="utf-8")
    except (DatasetError, WeightFileError, OSError, ValueError) as error:
        print(f"Calibration failed: {error}", file=sys.stderr)
        return 1
    found = quantization.measured
    print(f"{found['renders']} simulated edits at {found['size']} px, run by {found['runtime']}\n")
    print(f"{'':16}{'float32':>10}{'int8':>10}")
    for title, key in (("pixel accuracy", "pixel_accuracy"), ("mean IoU", "mean_iou")):
        print(f"{title:16}{found[f'float32_{key}']:>10.4f}{found[f'int8_{key}']:>10.4f}")
    print(f"{'milliseconds':16}{spent['float32']:>10.1f}{spent['int8']:>10.1f}\n")
    print(f"int8 against float32: {found['psnr_db_mean']} dB on average, {found['psnr_db_worst']} dB at worst")
    print(f"float32 stay: {', '.join(quantization.exact)}\nWrote {out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
