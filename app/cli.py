"""The command line: the window, and the same work without it."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from engine.generate import BACKENDS, DEVICES
from engine.types import EngineError

COMMANDS = ("edit", "render", "demo", "prepare")


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("--model", type=Path, help="weight file (default: the one that comes with Maskbrush)")
    model.add_argument("--backend", choices=BACKENDS, help="what runs the model (default: automatic)")
    model.add_argument("--device", choices=DEVICES, help="where it runs (default: automatic)")

    p = argparse.ArgumentParser(
        prog="python -m app", description="Maskbrush: paint a face's mask, see it rendered live."
    )
    commands = p.add_subparsers(dest="command", required=True, metavar="{edit,render,demo,prepare}")

    edit = commands.add_parser("edit", parents=[model], help="open the window (the default)")
    edit.add_argument("photo", type=Path, nargs="?", help="portrait to open (default: the sample)")
    edit.add_argument("--mask", type=Path, help="its mask (default: PHOTO_mask.png beside it)")

    render = commands.add_parser("render", parents=[model], help="render an edited mask without the window")
    render.add_argument("photo", type=Path, help="the portrait")
    render.add_argument("--mask", type=Path, help="its own mask (default: PHOTO_mask.png beside it)")
    render.add_argument("--edited", type=Path, help="the mask asked for (default: unchanged)")
    render.add_argument("--style", type=Path, help="exemplar whose style to use")
    render.add_argument("--style-mask", type=Path, help="the exemplar's mask (default: STYLE_mask.png beside it)")
    render.add_argument("--raw", action="store_true", help="the raw render, not the edit laid into the portrait")
    render.add_argument("-o", "--out", type=Path, required=True, help="picture to write, .png or .jpg")

    demo = commands.add_parser("demo", parents=[model], help="paint a script of strokes in the offscreen window")
    demo.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures (default: out)")

    commands.add_parser("prepare", parents=[model], help="make what the first start would have to make")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in (*COMMANDS, "-h", "--help"):
        words.insert(0, "edit")
    args = parser().parse_args(words)
    try:
        return {"edit": _edit, "render": _render, "demo": _demo, "prepare": _prepare}[args.command](args)
    except EngineError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return 1


def _edit(args: argparse.Namespace) -> int:
    from app.start import run_window

    return run_window(args.photo, args.mask, args.model, args.backend, args.device)


def _demo(args: argparse.Namespace) -> int:
    started = time.perf_counter()
    from app.demo import run_demo

    return run_demo(args.out, args.model, args.backend or "auto", args.device or "auto", started)


def _render(args: argparse.Namespace) -> int:
    from engine.api import Maskbrush, check_target, read_mask, read_portrait, save_picture

    check_target(args.out)
    portrait = read_portrait(args.photo, args.mask)
    edited = read_mask(args.edited, *portrait.pixels.shape[:2]) if args.edited else portrait.labels
    exemplar = read_portrait(args.style, args.style_mask) if args.style else None
    with Maskbrush(args.model, args.backend or "auto", args.device or "auto") as brush:
        if brush.info.licence:
            print(brush.info.licence, file=sys.stderr)
        save_picture(args.out, brush.render(portrait, edited, exemplar, composite=not args.raw))
    print(f"Wrote {args.out} ({brush.info.device}, {brush.info.backend})")
    return 0


def _prepare(args: argparse.Namespace) -> int:
    from engine.api import Maskbrush

    with Maskbrush(args.model, args.backend or "auto", args.device or "auto") as brush:
        print(f"Ready: {brush.info.title} on {brush.info.device}, {brush.info.backend}")
    return 0
