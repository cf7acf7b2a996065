"""Merge CelebAMask-HQ's part masks once: ``python -m models.prepare FOLDER``.

Training can merge them whenever it reads a portrait, but reads up to 18 files for it. What has been merged is skipped,
so that the command can be interrupted and started again.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from models.celebamask import MERGED, PARTS, PICTURES, merge_parts
from models.dataset import DatasetError
from resources.labels import palette


def merge_one(folder: Path, number: int) -> str | None:
    """Merge one portrait's parts into an indexed PNG; returns what is wrong with it, or None.

    Raises
    ------
    OSError
        If the file cannot be written; no half-written one is left.
    """
    target = folder / MERGED / f"{number}.png"
    part = target.with_suffix(".part")
    try:
        picture = Image.fromarray(merge_parts(folder, number))
    except DatasetError as error:
        return str(error)
    picture.putpalette(palette().tobytes())
    try:
        picture.save(part, format="PNG")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return None


def prepare(folder: Path, processes: int, quiet: bool = False) -> tuple[int, list[str]]:
    """Merge all portraits that have not been merged yet.

    Returns
    -------
    merged, faults
        How many were merged now; what is wrong with those that could not be.

    Raises
    ------
    DatasetError
        If the folder is not CelebAMask-HQ.
    OSError
        If a mask cannot be written.
    """
    if not (folder / PARTS).is_dir():
        raise DatasetError(f"{folder / PARTS}: missing. Unpack CelebAMask-HQ's part masks there.")
    numbers = sorted(int(path.stem) for path in (folder / PICTURES).glob("*.jpg") if path.stem.isdigit())
    if not numbers:
        raise DatasetError(f"{folder / PICTURES}: holds no pictures. Unpack CelebAMask-HQ's there: {{k}}.jpg.")
    (folder / MERGED).mkdir(exist_ok=True)
    todo = [number for number in numbers if not (folder / MERGED / f"{number}.png").exists()]
    merge = partial(merge_one, folder)
    faults: list[str] = []
    pool = ProcessPoolExecutor(processes)
    try:
        # Submitted in strides: what has been handed out must be waited for when the user interrupts.
        with tqdm(total=len(todo), disable=quiet, unit="portrait") as bar:
            for start in range(0, len(todo), 1000):
                for fault in pool.map(merge, todo[start : start + 1000], chunksize=8):
                    faults += [fault] if fault else []
                    bar.update()
    except BrokenProcessPool as error:
        raise OSError("a process that merged masks was ended from outside; start again, it goes on") from error
    finally:
        pool.shutdown(cancel_futures=True)
    return len(todo) - len(faults), faults


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status: 1 if some portraits could not be merged, 2 if none."""
    p = argparse.ArgumentParser(prog="python -m models.prepare", description="Merge CelebAMask-HQ's part masks.")
    p.add_argument("folder", type=Path, help="CelebAMask-HQ's folder")
    p.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    p.add_argument("--quiet", action="store_true", help="no progress bar")
    args = p.parse_args(argv)
    try:
        merged, faults = prepare(args.folder, args.processes, args.quiet)
    except (DatasetError, OSError) as error:
        print(f"Cannot go on: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from there.", file=sys.stderr)
        return 130
    print(f"{merged} portraits merged into {args.folder / MERGED}")
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    if faults:
        print(f"{len(faults)} portraits could not be merged; training will stop at them.", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
