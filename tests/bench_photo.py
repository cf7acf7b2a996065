"""Latencies of opening a photo and of writing it back: a part of ``python -m tests.bench``, or alone.

The photo is made here: the sample portrait, turned and enlarged, in a plain picture of 12 megapixels.
"""

import json
import time
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from engine.align import Finder, cut_out
from engine.generate import load_generator
from engine.locate import load_locator
from engine.parse import load_parser
from engine.photo import laid_over, photo_of
from engine.session import Session
from engine.store import default_weights
from engine.types import Pixels, Portrait, RenderRequest
from models.clutter import smooth_noise
from resources import RESOURCES
from resources.labels import BY_NAME

WIDTH, HEIGHT = 4000, 3000


def made_photo() -> Pixels:
    """Lay the sample portrait, turned by 15 degrees, into a picture of 12 megapixels: uint8 (H, W, 3)."""
    with Image.open(RESOURCES / "samples" / "collins.jpg") as file:
        sample = np.asarray(file.convert("RGB"))
    ground = smooth_noise(HEIGHT // 8, WIDTH // 8, np.random.default_rng(0))
    photo = np.asarray(cv2.resize(ground, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
    rows, columns = sample.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), 15, 1200 / columns)
    matrix[:, 2] += (0.6 * WIDTH - columns / 2, 0.5 * HEIGHT - rows / 2)
    cover = cv2.warpAffine(np.full((rows, columns), 255, np.uint8), matrix, (WIDTH, HEIGHT))
    moved = cv2.warpAffine(sample, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    np.copyto(photo, np.asarray(moved, np.uint8), where=cover[..., None] > 127)
    return photo


def bench_photo(rounds: int = 7) -> dict:
    """Time the search for faces, the parser, and an edit's way back at 12 megapixels: p50 in milliseconds."""
    pixels = made_photo()
    parser, generator = load_parser(), load_generator(default_weights())
    finder = Finder(load_locator(), parser)
    faces = finder.find(pixels)
    alignment = faces[0].alignment
    crop = cut_out(pixels, alignment, 512)
    portrait = Portrait(crop, parser.parse(crop), "bench", photo_of(Image.fromarray(pixels), "bench"), alignment)
    labels = portrait.labels.copy()
    cv2.line(labels, (200, 190), (320, 195), BY_NAME["hair"].id, 48)
    session = Session(generator)
    session.open(portrait)
    request, whole = RenderRequest(0, 0, labels), RenderRequest(0, 0, labels, whole=True)
    stages: dict[str, Callable[[], object]] = {
        "find_12mp": lambda: finder.find(pixels),
        "parse_512": lambda: parser.parse(crop),
        "render_crop": lambda: session.render(request),
        "render_whole_photo": lambda: session.render(whole),
        "paste_back_12mp": lambda: laid_over(pixels, session.patch(request)),
    }
    samples: dict[str, list[float]] = {name: [] for name in stages}
    for index in range(rounds + 1):
        for name, action in stages.items():
            started = time.perf_counter()
            action()
            if index:  # the first round warms up
                samples[name].append(time.perf_counter() - started)
    session.close()
    parser.close()
    return {"faces_found": len(faces)} | {
        f"{name}_p50_ms": round(float(np.median(values)) * 1000, 1) for name, values in samples.items()
    }


if __name__ == "__main__":
    print(json.dumps(bench_photo(), indent=2))
