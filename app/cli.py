"""The command line: the window, and the same work without it."""

import argparse
import glob
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.generate import BACKENDS, DEVICES
from engine.types import EngineError, WriteError

if TYPE_CHECKING:
    from app.batch import Item

BATCHES = ("parse", "apply")
COMMANDS = ("edit", "render", *BATCHES, "replay", "demo", "prepare")

PICTURES = {
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".jp2", ".ppm", ".avif",
    ".heic", ".heif",
}  # fmt: skip
"""What is taken from a folder; other files are read if they are named."""

_WRITTEN = re.compile(r"([_-](mask|label)|_(labels|colours|overlay|crop|edited|edited_crop_mask))$")
"""How the names of masks and of earlier results end, without the ending of the file."""


class UsageError(EngineError):
    """What was asked for cannot even be begun."""


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    device = argparse.ArgumentParser(add_help=False)
    device.add_argument("--device", choices=DEVICES, help="where the networks run (default: automatic)")
    model = argparse.ArgumentParser(add_help=False, parents=[device])
    model.add_argument("--model", type=Path, help="weight file (default: the one that comes with Maskbrush)")
    model.add_argument("--backend", choices=BACKENDS, help="what runs the model (default: automatic)")
    faces = argparse.ArgumentParser(add_help=False)
    faces.add_argument("--parser", type=Path, help="the face parser's weight file (default: Maskbrush's own)")

    p = argparse.ArgumentParser(
        prog="python -m app", description="Maskbrush: paint a face's mask, see it rendered live."
    )
    commands = p.add_subparsers(dest="command", required=True, metavar="{" + ",".join(COMMANDS) + "}")

    edit = commands.add_parser("edit", parents=[model], help="open the window (the default)")
    edit.add_argument("photo", type=Path, nargs="?", help="photo or .maskbrush project to open (default: the sample)")
    edit.add_argument("--mask", type=Path, help="its mask (default: PHOTO_mask.png beside it)")

    render = commands.add_parser("render", parents=[model, faces], help="render an edited mask without the window")
    render.add_argument("photo", type=Path, help="the photo")
    render.add_argument(
        "--mask", type=Path, help="its own mask (default: PHOTO_mask.png beside it, else its largest face is labelled)"
    )
    render.add_argument("--edited", type=Path, help="the mask asked for, of the photo or else the face's crop")
    render.add_argument("--style", type=Path, help="exemplar whose style to use")
    render.add_argument("--style-mask", type=Path, help="the exemplar's mask (default: as for --mask)")
    render.add_argument("--raw", action="store_true", help="the raw render, not the edit laid into the photo")
    render.add_argument("-o", "--out", type=Path, required=True, help="picture to write: .png, .jpg, .webp or .tif")

    parse = commands.add_parser("parse", parents=[device, faces], help="find and label the faces of photos")
    _add_batch(parse)
    parse.add_argument("--whole", action="store_true", help="masks of the whole photos instead of the faces' crops")

    apply = commands.add_parser("apply", parents=[model, faces], help="do the same edit to the faces of photos")
    apply.add_argument("edit", type=Path, help="the edit (JSON)")
    _add_batch(apply)
    apply.add_argument("--format", choices=("png", "jpg", "webp", "tif"), help="(default: the photo's own, else png)")
    apply.add_argument("--quality", type=_number(100), default=95, help="of JPEG and WebP, 1 to 100 (default: 95)")
    apply.add_argument("--masks", action="store_true", help="write the crops' edited masks as well")

    again = commands.add_parser("replay", help="make a project's mask anew from its edits, and compare it")
    again.add_argument("project", type=Path, help="the .maskbrush file")
    again.add_argument("-o", "--out", type=Path, required=True, help="mask to write: .png")

    demo = commands.add_parser("demo", parents=[model], help="paint a script of strokes in the offscreen window")
    demo.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures (default: out)")

    commands.add_parser("prepare", parents=[model], help="make what the first start would have to make")
    return p


def _add_batch(command: argparse.ArgumentParser) -> None:
    command.add_argument("photos", nargs="+", metavar="PHOTO", help="photos, folders of them, or patterns")
    command.add_argument("-o", "--out", type=Path, required=True, help="folder to write to; made if missing")
    command.add_argument("--faces", choices=("largest", "all"), default="largest", help="(default: largest)")
    command.add_argument("--recursive", action="store_true", help="look into folders inside the folders")
    command.add_argument("--jobs", type=_number(), help="processes (default: half the cores)")
    command.add_argument("--overwrite", action="store_true", help="do photos again whose results exist")


def _number(most: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number from 1 to ``most`` from the command line."""

    def read(text: str) -> int:
        number = int(text)
        if number < 1 or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"{text} is not {f'from 1 to {most}' if most else 'at least 1'}")
        return number

    read.__name__ = "number"  # argparse shows it
    return read


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in (*COMMANDS, "-h", "--help"):
        words.insert(0, "edit")
    args = parser().parse_args(words)
    commands = {
        "edit": _edit, "render": _render, "parse": _parse, "apply": _apply, "replay": _replay, "demo": _demo,
        "prepare": _prepare,
    }  # fmt: skip
    try:
        return commands[args.command](args)
    except EngineError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        # Photos that fail do not end a batch: what does was wrong from the start.
        return 2 if args.command in BATCHES else 1
    except KeyboardInterrupt:
        if args.command not in BATCHES:
            raise
        return 130


def _edit(args: argparse.Namespace) -> int:
    if args.mask is not None and args.photo is not None and args.photo.suffix.lower() == ".maskbrush":
        raise UsageError(f"{args.photo.name} has a mask of its own.", "Leave --mask out, or name a photo.")
    from app.start import run_window

    return run_window(args.photo, args.mask, args.model, args.backend, args.device)


def _demo(args: argparse.Namespace) -> int:
    started = time.perf_counter()
    from app.demo import run_demo

    return run_demo(args.out, args.model, args.backend or "auto", args.device or "auto", started)


def _render(args: argparse.Namespace) -> int:
    from contextlib import closing

    from app.batch import open_portrait
    from engine.files import check_target, read_mask, save_picture
    from engine.generate import load_generator
    from engine.photo import save_photo
    from engine.reader import PhotoReader
    from engine.session import Session
    from engine.store import default_weights
    from engine.types import RenderRequest

    check_target(args.out)
    device = args.device or "auto"
    with closing(PhotoReader(args.parser, device)) as reader:
        portrait = open_portrait(args.photo, args.mask, reader)
        exemplar = open_portrait(args.style, args.style_mask, reader) if args.style else None
    edited = read_mask(args.edited, *portrait.pixels.shape[:2]) if args.edited else portrait.labels
    generator = load_generator(args.model or default_weights(), args.backend or "auto", device)
    with closing(Session(generator)) as session:
        if generator.info.licence:
            print(generator.info.licence, file=sys.stderr)
        session.open(portrait)
        request = RenderRequest(0, 0, edited, exemplar, composite=not args.raw)
        if portrait.photo is not None and portrait.alignment is not None and not args.raw:
            # The photo is more than the portrait: it keeps its colours and all it holds.
            notes = portrait.photo.notes + save_photo(args.out, portrait.photo, session.patch(request))
            for note in notes:
                print(note, file=sys.stderr)
        else:
            save_picture(args.out, session.export(request))
    print(f"Wrote {args.out} ({generator.info.device}, {generator.info.backend})")
    return 0


def _replay(args: argparse.Namespace) -> int:
    import numpy as np

    from app.project import read_project
    from app.replay import replay
    from engine.files import save_mask

    project = read_project(args.project)
    labels = replay(project)
    save_mask(args.out, labels)
    print(f"Wrote {args.out}")
    for note in project.notes:
        print(note, file=sys.stderr)
    different = int(np.count_nonzero(labels != project.labels))
    if different:
        print(f"It differs from the mask in {args.project.name} in {different} pixels.", file=sys.stderr)
    return 1 if different or project.notes else 0


def _prepare(args: argparse.Namespace) -> int:
    from engine.api import Maskbrush
    from engine.reader import PhotoReader

    with Maskbrush(args.model, args.backend or "auto", args.device or "auto") as brush:
        print(f"Ready: {brush.info.title} on {brush.info.device}, {brush.info.backend}")
    reader = PhotoReader(device=args.device or "auto")
    reader.finder()
    print(f"Ready: {reader.parser().info.title} on {reader.parser().info.device}")
    reader.close()
    return 0


def _parse(args: argparse.Namespace) -> int:
    from app.batch import ParseJob
    from app.pool import run
    from engine.reader import PhotoReader

    items, inputs = _prepared(args)
    reader = partial(PhotoReader, args.parser, args.device or "auto")
    job = ParseJob(
        out=args.out, reader=reader, every_face=args.faces == "all", overwrite=args.overwrite, inputs=inputs,
        whole=args.whole,
    )  # fmt: skip
    if not args.whole and any(item.path.resolve().parent == args.out.resolve() for item in items):
        print("The masks belong to the crops, not to the photos beside them: --whole makes those.", file=sys.stderr)
    return run(job, items, args.jobs)


def _apply(args: argparse.Namespace) -> int:
    from app.batch import ApplyJob
    from app.pool import run
    from engine.edit_files import read_edit
    from engine.generate import load_generator
    from engine.operations import style_of
    from engine.reader import PhotoReader
    from engine.store import default_weights

    operations = read_edit(args.edit)
    items, inputs = _prepared(args)
    if style := style_of(operations):
        inputs |= {style[0].resolve()}
    device = args.device or "auto"
    job = ApplyJob(
        out=args.out, reader=partial(PhotoReader, args.parser, device), every_face=args.faces == "all",
        overwrite=args.overwrite, inputs=inputs, operations=operations,
        generator=partial(load_generator, args.model or default_weights(), args.backend or "auto", device),
        suffix=f".{args.format}" if args.format else None, quality=args.quality, masks=args.masks,
    )  # fmt: skip
    return run(job, items, args.jobs)


def _prepared(args: argparse.Namespace) -> tuple[list["Item"], frozenset[Path]]:
    """Find a batch's photos, and make the folder to write to; raises EngineError if it cannot even be begun."""
    photos = collect(args.photos, args.recursive)
    if not photos:
        raise UsageError("There is no photo in what was named.", "Name photos, or folders that hold some.")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=args.out):
            pass
    except OSError as error:
        raise WriteError(f"{args.out} cannot be written to ({error.strerror}).", "Choose another folder.") from error
    return named(photos, several=args.faces == "all"), frozenset(photo.resolve() for photo in photos)


def collect(words: Sequence[str], recursive: bool = False) -> list[Path]:
    """List the photos that words of a command line stand for, each once.

    Parameters
    ----------
    words
        Files, folders, and patterns that the shell left as they are. What does not exist stays in the list.
    recursive
        Whether folders inside folders are looked into as well.
    """
    found: dict[Path, Path] = {}
    for word in words:
        path, paths = Path(word), [Path(word)]
        if path.is_dir():
            paths = _pictures(sorted(each for each in path.glob("**/*" if recursive else "*") if each.is_file()))
        elif not path.exists() and glob.has_magic(word):
            # Path.glob takes no absolute patterns.
            matches = sorted(Path(each) for each in glob.glob(word, recursive=True))  # noqa: PTH207
            paths = [each for each in matches if each.is_file()] or paths
        for each in paths:
            found.setdefault(each.resolve(), each)
    return list(found.values())


def _pictures(files: Sequence[Path]) -> list[Path]:
    """Leave out hidden files, what is no picture, and masks and earlier results that belong to another of the files."""
    stems = {(file.parent, file.stem) for file in files}

    def written(file: Path) -> bool:
        stem = _WRITTEN.sub("", file.stem)
        # As in `named`, and as faces are numbered.
        stems_of = (stem, re.sub(r"_\d+$", "", stem), re.sub(r"(-\d+)?(_\d+)?$", "", stem, count=1))
        return stem != file.stem and any((file.parent, each) in stems for each in stems_of)

    return [
        file
        for file in files
        if file.suffix.lower() in PICTURES and not file.name.startswith(".") and not written(file)
    ]


def named(photos: Sequence[Path], several: bool = False) -> list["Item"]:
    """Give each photo a name that no other has: the file's without its ending, with a number where that is taken.

    Parameters
    ----------
    photos
        The files.
    several
        Whether results for several faces of a photo are numbered: those of the second face of ``a`` are not to be
        mistaken for those of a photo ``a_2``.
    """
    from app.batch import Item

    def family(name: str) -> str:
        return re.sub(r"_[1-9]\d?$", "", name) if several else name

    items: list[Item] = []
    taken: set[str] = set()
    families: set[str] = set()
    for path in photos:
        # File systems of Windows and macOS tell no capital letters apart.
        stem, number = path.stem.casefold(), 1
        name = stem
        while name in taken or family(name) in taken or name in families:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        families.add(family(name))
        items.append(Item(path, path.stem if number == 1 else f"{path.stem}-{number}"))
    return items
