"""Stand-ins for what a batch works with."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from app.batch import ApplyJob, Job, ParseJob
from app.cli import named
from app.pool import run
from engine.align import Face, cut_out, points_in
from engine.files import working_size
from engine.operations import Relabel
from engine.parse import ParserInfo
from engine.photo import Photo
from engine.reader import PhotoReader
from engine.types import Alignment, Portrait
from resources import RESOURCES
from resources.labels import BY_NAME
from tests.fakes import FakeGenerator, make_labels, make_portrait

HAIR, CLOTH, HAT = (BY_NAME[name].id for name in ("hair", "cloth", "hat"))
SAMPLES = RESOURCES / "samples"


class FakeReader(PhotoReader):
    """Sees a face in every upright square that fits into a photo, left to right; none in a plain one."""

    made = 0

    def __init__(self, device: str = "CPU", licence: str = "") -> None:
        super().__init__()
        type(self).made += 1
        self.info = ParserInfo("Fake", "fake", device, 64, licence)

    def parser(self, progress: Callable[[str], None] = print) -> Any:
        return self

    def finder(self, progress: Callable[[str], None] = print) -> Any:
        return None

    def faces(self, photo: Photo, progress: Any = None, cancelled: Any = None) -> list[Face]:
        if photo.pixels.std() == 0:
            return []
        height, width = photo.pixels.shape[:2]
        side = min(height, width)
        places = [Alignment((left + side / 2, side / 2), (side / 2, 0)) for left in range(0, width - side + 1, side)]
        return [Face(points_in(place), 1.0) for place in places]

    def portrait(self, photo: Photo, alignment: Alignment, progress: Any = None, cancelled: Any = None) -> Portrait:
        size = working_size(round(alignment.side), round(alignment.side))[0]
        return Portrait(cut_out(photo.pixels, alignment, size), make_labels(size, size), photo.name, photo, alignment)

    def close(self) -> None:
        pass


class FragileReader(FakeReader):
    """Fails in various ways, by the photos' names."""

    def portrait(self, photo: Photo, alignment: Alignment, progress: Any = None, cancelled: Any = None) -> Portrait:
        match photo.name.split("_")[0]:
            case "die":
                os._exit(3)
            case "memory":
                raise MemoryError
            case "odd":
                raise ZeroDivisionError("by zero")
            case "stop":
                raise KeyboardInterrupt
            case "slow":
                (Path(os.environ["STARTED"]) / photo.name).touch()
                time.sleep(1.5)
        return super().portrait(photo, alignment)


def photo(path: Path, size: tuple[int, int] = (64, 64), seed: int = 0, **options: Any) -> Path:
    Image.fromarray(make_portrait(size, seed=seed).pixels).save(path, **options)
    return path


def parse_job(folder: Path, **options: Any) -> ParseJob:
    return ParseJob(**{"out": folder / "out", "reader": FakeReader} | options)


def apply_job(folder: Path, **options: Any) -> ApplyJob:
    defaults = {"operations": (Relabel((HAIR,), HAT),), "generator": FakeGenerator}
    return ApplyJob(**{"out": folder / "out", "reader": FakeReader} | defaults | options)


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


def run_one(job: Job, *paths: Path, jobs: int = 1) -> int:
    return run(job, named(paths), jobs)
