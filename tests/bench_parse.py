"""Latency of labelling a photo on this machine, as JSON: ``python -m tests.bench_parse``."""

import json
import statistics
import time

import numpy as np
from PIL import Image

from engine.parse import load_parser
from resources import RESOURCES

ROUNDS = 20


def parse_latency(rounds: int = ROUNDS) -> dict[str, float | str]:
    """Time the shipped parser on the sample portrait, 512 px, after warming up.

    Returns
    -------
    dict
        The median and the least of ``rounds`` in milliseconds, and where it ran.
    """
    with Image.open(RESOURCES / "samples" / "collins.jpg") as picture:
        crop = np.asarray(picture.convert("RGB"))
    parser = load_parser()
    seconds = []
    for index in range(rounds + 2):
        started = time.perf_counter()
        parser.parse(crop)
        if index >= 2:
            seconds.append(time.perf_counter() - started)
    result = {
        "parse_p50_ms": round(statistics.median(seconds) * 1000, 1),
        "parse_min_ms": round(min(seconds) * 1000, 1),
        "parser": parser.info.title,
        "device": parser.info.device,
    }
    parser.close()
    return result


if __name__ == "__main__":
    print(json.dumps(parse_latency(), indent=2))
