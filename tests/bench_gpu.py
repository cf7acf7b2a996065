"""Latencies on an NVIDIA GPU, as JSON: ``python -m tests.bench_gpu``.

The published architecture at its own size (512 px, random weights) and the default model at 256 px, each in the formats
that the device knows: what the device takes to replay a recorded decode, what `decode` takes from arrays to a picture
on the host with labels that change every time, and the same layer by layer. Beside them stands the arithmetic floor:
the published decode's operations over the rate of a large bfloat16 matrix product in the same process.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.store import default_weights
from engine.torch_backend import TOGETHER, TorchGenerator
from engine.torch_device import best_precision
from engine.types import StyleCode
from models.checkpoints import save_generator
from models.generator import DenseMappingNetwork
from tests.fakes import make_portrait

PUBLISHED_DECODE = 268e9
"""Floating-point operations of the published network's decode at 512 px, a multiply-add counted as two."""
MATRIX_SIDE = 8192
SEARCHED = "bfloat16, cuDNN's algorithm search"


def summary(samples: list[float]) -> dict[str, float]:
    """Return median, p95 and the least of milliseconds."""
    p50, p95 = np.percentile(samples, (50, 95))
    return {"p50_ms": round(float(p50), 3), "p95_ms": round(float(p95), 3), "min_ms": round(min(samples), 3)}


def on_device(action: Callable[[], object], rounds: int) -> dict[str, float]:
    """Time what ``action`` gives the device to do, by the device's own clock."""
    events = [torch.cuda.Event(enable_timing=True) for _ in range(rounds + 1)]
    for _ in range(3):
        action()
    events[0].record()
    for event in events[1:]:
        action()
        event.record()
    torch.cuda.synchronize()
    return summary([before.elapsed_time(after) for before, after in pairwise(events)])


def on_host(action: Callable[[int], object], rounds: int) -> dict[str, float]:
    """Time ``action``, which is given 0 and 1 in turn and waits for the device."""
    samples = []
    for index in range(rounds + 3):
        started = time.perf_counter()
        action(index % 2)
        samples.append(1000 * (time.perf_counter() - started))
    return summary(samples[3:])


def matrix_rate(rounds: int) -> float:
    """Return operations per second of a large bfloat16 matrix product; of random numbers, as zeros are quicker."""
    dtype = getattr(torch, best_precision(torch.cuda.get_device_capability()))
    a, b = (torch.randn(MATRIX_SIDE, MATRIX_SIDE, device="cuda").to(dtype) for _ in range(2))
    return 2 * MATRIX_SIDE**3 / (on_device(lambda: a @ b, rounds)["p50_ms"] / 1000)


def bench_model(weights: Path, precision: str, rounds: int) -> dict[str, Any]:
    """Time one model in one format, and how well it agrees with float32 on the same device."""
    generator = TorchGenerator(weights, "cuda", precision=precision)
    side = generator.info.size
    portrait, region = make_portrait(side), np.zeros((side, side), np.float32)
    region[:, : side // 2] = 1
    masks = portrait.labels, np.where(portrait.labels == 1, 17, portrait.labels).astype(np.uint8)
    style = generator.encode(portrait.pixels, portrait.labels)
    noise = np.random.default_rng(0).normal(0, 0.05, (TOGETHER, style.vector.size)).astype(np.float32)
    styles = [StyleCode(style.vector + each, style.model_id) for each in noise]
    quick = generator._quick
    assert quick is not None

    def decode(index: int) -> np.ndarray:
        return generator.decode(masks[index], style, portrait.pixels, region)

    def eager(index: int) -> np.ndarray:
        return quick(masks[index], [style], portrait.pixels, region, recorded=False)[0]

    def together(index: int) -> list[np.ndarray]:
        return generator.decode_styles(masks[index], styles, portrait.pixels, region)

    image = decode(0)
    graph = next(shape.graph for shape in reversed(quick._shapes.values()))
    found: dict[str, Any] = {
        "precision": generator.info.precision,
        "note": generator.info.note,
        "recorded_decode_on_device": on_device(graph.replay, rounds) if graph is not None else None,
        "arrays_to_picture": on_host(decode, rounds),
        "layer_by_layer": on_host(eager, max(1, rounds // 4)),
        f"{TOGETHER}_styles": on_host(together, max(1, rounds // 8)),
        "peak_memory_mb": round(torch.cuda.max_memory_allocated() / 2**20),
    }
    generator.close()
    exact = TorchGenerator(weights, "cuda", precision="float32")
    wanted = exact.decode(masks[0], style, portrait.pixels, region)
    exact.close()
    square = max(float(np.square(image - wanted, dtype=np.float64).mean()), 1e-12)
    found["psnr_against_float32_db"] = round(10 * float(np.log10(4 / square)), 1)
    torch.cuda.reset_peak_memory_stats()
    return found


def bench(rounds: int) -> dict[str, Any]:
    """Time everything."""
    capability = torch.cuda.get_device_capability()
    precisions = [name for name, least in (("bfloat16", 8), ("float16", 7), ("float32", 0)) if capability[0] >= least]
    rate = matrix_rate(max(10, rounds // 10))
    floor = PUBLISHED_DECODE / rate * 1000
    report: dict[str, Any] = {
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "matrix_tflops": round(rate / 1e12, 1),
        "floor_of_published_decode_ms": round(floor, 3),
    }
    with tempfile.TemporaryDirectory() as folder:
        published = Path(folder) / "published.safetensors"
        torch.manual_seed(0)
        save_generator(DenseMappingNetwork().eval(), published, "Published size, random weights", half=False)
        report["published_512"] = {name: bench_model(published, name, rounds) for name in precisions}
        if "bfloat16" in precisions:
            torch.backends.cudnn.benchmark = True
            report["published_512"][SEARCHED] = bench_model(published, "bfloat16", rounds)
            torch.backends.cudnn.benchmark = False
    for found in report["published_512"].values():
        if found["recorded_decode_on_device"] is not None:
            found["times_the_floor"] = round(found["recorded_decode_on_device"]["p50_ms"] / floor, 2)
    report["default_256"] = {name: bench_model(default_weights(), name, rounds) for name in precisions}
    return report


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_gpu", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = max(8, parser.parse_args().rounds)
    if torch.cuda.is_available():
        report = bench(rounds)
    else:
        report = {"device": None, "note": "PyTorch finds no CUDA device here, so there is nothing to measure."}
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
