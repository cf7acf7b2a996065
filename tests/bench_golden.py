"""Whether our generator is the published one: it is compared with stored numbers before `tests.bench` times it.

One case needs no file. The others are those of the folder that the variable MASKBRUSH_GOLDEN names.
"""

import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from models.config import GeneratorConfig
from models.generator import DenseMappingNetwork
from tests.bench_table import Report
from tests.golden import fill, made_image, made_labels, sampled
from tests.unit.test_generator import OUTPUT_SAMPLES, SMALL, STYLE_SAMPLES, TOLERANCE

FILES = {"dmn_small_128": SMALL, "dmn_official_256": GeneratorConfig(size=256)}


@torch.inference_mode()
def golden() -> Report:
    """Return how far the generator is from the published one, in words, by case.

    Raises
    ------
    SystemExit
        If it is another one: nothing measured on it would mean anything.
    """
    network = fill(DenseMappingNetwork(SMALL))
    style = network.encode(made_labels(128, 128, shift=3), made_image(128, 128))
    output = network.decode(made_labels(128, 128), style)
    apart = {
        "by formula, width 8": max(
            _apart(sampled(style, len(STYLE_SAMPLES)), STYLE_SAMPLES),
            _apart(sampled(output, len(OUTPUT_SAMPLES)), OUTPUT_SAMPLES),
        )
    }
    folder = os.environ.get("MASKBRUSH_GOLDEN")
    for name, config in FILES.items() if folder else ():
        with np.load(Path(folder or "") / f"{name}.npz") as case:
            edit, source, image = (
                torch.from_numpy(case[key])[None] for key in ("labels_edit", "labels_source", "image_source")
            )
            output = fill(DenseMappingNetwork(config))(edit, source, image)
            apart[name] = _apart(output[0].numpy(), case["output"])
    wrong = {name: value for name, value in apart.items() if not value <= TOLERANCE}
    if wrong:
        raise SystemExit(f"the generator is not the published one: {wrong}")
    result = {name: f"agrees to {value:.1g}" for name, value in apart.items()}
    return result if folder else result | {"full width": "not compared: MASKBRUSH_GOLDEN is not set"}


def _apart(values: ArrayLike, wanted: ArrayLike) -> float:
    return float(np.abs(np.subtract(values, wanted)).max())
