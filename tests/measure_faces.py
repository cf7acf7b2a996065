"""Measure the search for faces: ``python -m tests.measure_faces --data FOLDER``.

Portraits of known points (``<id>_full.*``, ``<id>_512_label.png`` and the crop's place in ``manifest.csv``) are laid
into large, cluttered pictures at random scale and turn, together with faces of others. What is found is compared with
where the eyes are. Printed as JSON: how often the right face is found, how far off its eyes are as a share of their
distance, and how long that takes.
"""

import argparse
import csv
import json
import math
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.affine import to_opencv
from engine.align import Finder
from engine.locate import load_locator
from engine.parse import load_parser
from engine.types import Alignment, Pixels
from models.clutter import make_clutter
from models.dataset import Sample, read_picture
from models.locator_batches import points_of

FOUND = 0.5
"""A face counts as found if its centre lies within this share of the eye distance."""


@dataclass(frozen=True)
class Known:
    """A picture and where its right eye, left eye and mouth are, (3, 2), in pixels."""

    name: str
    pixels: Pixels
    points: NDArray[np.float64]


def read_known(folder: Path) -> list[Known]:
    """Read the portraits of a folder, with the points that their labels give."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = []
    for row in rows:
        picture = next(folder.rglob(f"{row['id']}_full.*"))
        with Image.open(next(folder.rglob(f"{row['id']}_512_label.png"))) as file:
            labels = np.array(file)
        place = Alignment(
            (float(row["quad_cx"]), float(row["quad_cy"])), (float(row["quad_hx"]), float(row["quad_hy"]))
        )
        points = np.c_[points_of(labels), np.ones(3)] @ place.matrix(labels.shape[0]).T
        known.append(Known(row["id"], read_picture(picture), points))
    return known


def make_photo(
    known: Known, others: list[Known], size: tuple[int, int], rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.float64], float]:
    """Lay a portrait, and now and then one of others, into a cluttered picture of (height, width).

    Returns
    -------
    photo, points, turn
        uint8 (H, W, 3); the portrait's points there, (3, 2); its turn in degrees.
    """
    height, width = size
    samples = [Sample(one.name, *_square(one)) for one in others[:6]]
    ground = make_clutter(height // 4, width // 4, samples, rng)
    photo = np.asarray(cv2.resize(ground, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    rows, columns = known.pixels.shape[:2]
    # From a face of 64 pixels to one that fills the frame; tiles are small, so the largest are enlarged.
    face = math.dist(known.points[0], known.points[1]) / 0.42
    scale = math.exp(rng.uniform(math.log(64), math.log(0.75 * min(size)))) / face
    turn = float(rng.uniform(-45, 45))
    matrix = np.asarray(cv2.getRotationMatrix2D((columns / 2, rows / 2), turn, scale), np.float64)
    reach = np.abs(matrix[:, :2]) @ [columns / 2, rows / 2]
    # The face itself must be in the picture; its surroundings need not.
    keep = np.minimum(reach, [width / 2, height / 2])
    centre = [rng.uniform(keep[0], width - keep[0]), rng.uniform(keep[1], height - keep[1])]
    matrix[:, 2] += np.array(centre) - (columns / 2, rows / 2)
    points = np.c_[known.points, np.ones(3)] @ matrix.T
    shifted = to_opencv(matrix)
    source = known.pixels
    if scale < 0.5:
        part = 2 * scale
        source = np.asarray(cv2.resize(source, None, fx=part, fy=part, interpolation=cv2.INTER_AREA), np.uint8)
        shifted = to_opencv(matrix @ np.diag([columns / source.shape[1], rows / source.shape[0], 1]))
    cover = cv2.warpAffine(np.full(source.shape[:2], 255, np.uint8), shifted, (width, height))
    moved = cv2.warpAffine(source, shifted, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    np.copyto(photo, np.asarray(moved, np.uint8), where=cover[..., None] > 127)
    return photo, points, turn


def _square(one: Known) -> tuple[Pixels, NDArray[np.uint8]]:
    side = min(one.pixels.shape[:2])
    pixels = np.asarray(cv2.resize(one.pixels[:side, :side], (256, 256), interpolation=cv2.INTER_AREA), np.uint8)
    # As scraps, only the outer rim is plain enough.
    labels = np.ones((256, 256), np.uint8)
    labels[:60, :60] = labels[:60, -60:] = 0
    return pixels, labels


def measure(known: list[Known], size: tuple[int, int], rounds: int, seed: int, out: Path | None) -> dict:
    """Find every portrait ``rounds`` times in photos of one size, and return what `main` prints."""
    finder = Finder(load_locator(), load_parser())
    finder.find(np.full((200, 200, 3), 128, np.uint8))
    errors, times, missed, extra = [], [], [], 0
    for turn_number in range(rounds):
        for index, one in enumerate(known):
            rng = np.random.default_rng([seed, turn_number, index])
            others = [other for other in known if other is not one]
            photo, points, turn = make_photo(one, [others[i] for i in rng.permutation(len(others))], size, rng)
            started = time.perf_counter()
            faces = finder.find(photo)
            times.append(time.perf_counter() - started)
            distance = math.dist(points[0], points[1])
            middle = points[:2].mean(axis=0)
            right = [face for face in faces if math.dist(face.points[:2].mean(axis=0), middle) < FOUND * distance]
            extra += len(faces) - len(right[:1])
            if right:
                errors.append(float(np.linalg.norm(right[0].points[:2] - points[:2], axis=1).mean() / distance))
            else:
                missed.append({"id": one.name, "eye_distance": round(distance), "turn": round(turn)})
            if out is not None:
                _draw(out / f"{one.name}_{turn_number}.jpg", photo, points, [face.outline for face in faces])
    total = rounds * len(known)
    return {
        "photo": f"{size[1]}x{size[0]}",
        "faces": total,
        "found": round(1 - len(missed) / total, 4),
        "eye_error_mean": round(float(np.mean(errors)), 4) if errors else None,
        "eye_error_90th_percentile": round(float(np.quantile(errors, 0.9)), 4) if errors else None,
        "others_reported": extra,
        "seconds_median": round(float(np.median(times)), 3),
        "seconds_95th_percentile": round(float(np.quantile(times, 0.95)), 3),
        "missed": missed,
        "machine": f"{platform.machine()}, {platform.processor() or platform.system()}",
    }


def _draw(path: Path, photo: Pixels, points: NDArray, outlines: list[NDArray]) -> None:
    scale = 800 / photo.shape[1]
    small = np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    for outline in outlines:
        cv2.polylines(small, [np.rint(outline * scale).astype(np.int32)], True, (255, 255, 0), 2, cv2.LINE_AA)
    for x, y in points:
        cv2.circle(small, (round(x * scale), round(y * scale)), 3, (0, 255, 0), -1, cv2.LINE_AA)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(small).save(path, quality=85)


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(prog="python -m tests.measure_faces", description=__doc__)
    p.add_argument("--data", type=Path, required=True, help="folder with manifest.csv and <id>_full pictures")
    p.add_argument("--width", type=int, default=4000)
    p.add_argument("--height", type=int, default=3000)
    p.add_argument("--rounds", type=int, default=4, help="how often each portrait is laid somewhere")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=Path, help="folder for reduced pictures of what was found")
    args = p.parse_args()
    result = measure(read_known(args.data), (args.height, args.width), args.rounds, args.seed, args.out)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
