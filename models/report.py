"""The readable form of an evaluation: a page in Markdown and sheets of pictures."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from resources.labels import LABELS

Pixels = NDArray[np.uint8]


def write_jpeg(pixels: Pixels, path: Path) -> None:
    """Write uint8 RGB (H, W, 3) as JPEG; raises OSError if that cannot be done."""
    done, coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not done:
        raise OSError(f"{path} cannot be coded as JPEG")
    path.write_bytes(coded.tobytes())


def grid(tiles: Sequence[Pixels], columns: int, path: Path, side: int | None = None) -> str:
    """Lay pictures out in rows and save them as JPEG.

    Parameters
    ----------
    tiles
        uint8 RGB of shape (H, W, 3), all of one size.
    columns
        How many stand side by side.
    path
        The file to write.
    side
        Width and height of each tile, in pixels; their own if None.

    Returns
    -------
    str
        The file's name.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    shown = [tile if side is None else cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA) for tile in tiles]
    blank = np.full_like(shown[0], 255)
    shown += [blank] * (-len(shown) % columns)
    rows = [np.concatenate(shown[start : start + columns], axis=1) for start in range(0, len(shown), columns)]
    write_jpeg(np.asarray(np.concatenate(rows), np.uint8), path)
    return path.name


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def write_report(report: dict, folder: Path) -> None:
    """Write ``report.json`` and ``report.md``.

    Parameters
    ----------
    report
        What `models.evaluate.evaluate` returns.
    folder
        Where the sheets already are.
    """
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    labels, blanked, copy = report["labels"], report["reconstruction"], report["style_copy"]
    kinds = {
        "whole": "whole renders, own style",
        "copied": "whole renders, another's style",
        "composed": "composed edits",
        "photographs": "the photographs themselves",
    }
    names = {"model": report["model"], "telea": "Telea's inpainting", "class_means": "mean colour of each class"}
    sets, recital = report["set_distances"], report["recital"]
    # An edit may add a class that no photograph shows.
    wanted = [label.name for label in LABELS if any(label.name in labels[kind]["iou"] for kind in kinds)]
    classes = [[name, *(labels[kind]["iou"].get(name, "-") for kind in kinds)] for name in wanted]
    parts = [
        f"# {report['model']}: evaluation\n",
        f"{report['portraits']} portraits, split `{report['split']}`, {report['size']} px, {report['machine']}.\n",
        "## Labels\n\nWhat the face parser sees, against the labels asked for.\n",
        _table(
            ("", "pixel accuracy", "mean IoU"),
            [[title, labels[kind]["pixel_accuracy"], labels[kind]["mean_iou"]] for kind, title in kinds.items()],
        ),
        f"\nLargest change outside an edit: {labels['largest_change_outside_edits']} of 255.\n",
        _table(("IoU", *kinds.values()), classes),
        f"\n## Blanked regions\n\n{blanked['regions']} regions that simulated edits change; errors inside them.\n",
        _table(
            ("", "L1 (0..255)", "PSNR (dB)", "SSIM"),
            [[title, *(blanked[key][measure] for measure in ("l1", "psnr", "ssim"))] for key, title in names.items()],
        ),
        "\n## Style copy\n\nHow much of the way to the exemplar's mean colour the render goes, Lab distance, for pairs "
        "at least 10 apart; what is left, for all pairs.\n",
        _table(
            ("", "share of the way", "pairs", "distance left", "pairs"),
            [
                [name, row["share_of_the_way"], row["pairs_far_apart"], row["lab_distance_left"], row["pairs"]]
                for name, row in copy.items()
            ],
        ),
        f"\n## Distance from photographs\n\nOn features of: {sets['features']}. Frechet {sets['frechet']}, "
        f"kernel x 1000 {sets['kernel_x1000']}.\n",
    ]
    if "identity" in report:
        parts.append(f"Identity: mean cosine {report['identity']['whole_renders_mean_cosine']}.\n")
    parts += [
        "## Nearest training portraits\n\nEach render, its nearest training portrait by thumbnail, and by features.\n",
        _table(
            ("distance", "least of the renders", "mean of the renders", "mean of validation photographs"),
            [
                [name, row["renders_least"], row["renders_mean"], row["photographs_mean"]]
                for name, row in recital["distances"].items()
            ],
        ),
        f"\n![nearest]({recital['sheet']})\n",
        "## Edits\n\nPhotograph, edited mask, composed edit.\n",
        *(f"![{Path(name).stem}]({name})\n" for name in report["sheets"]),
    ]
    (folder / "report.md").write_text("\n".join(parts), encoding="utf-8")
