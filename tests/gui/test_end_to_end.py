"""The whole editor with the model that it ships: what `make run` does where there is no display."""

import re

import numpy as np
from PIL import Image

from app.cli import main
from app.demo import SCRIPT, TILT
from app.project import read_project
from app.replay import replay
from app.window import SAMPLE
from engine.compose import reach_of
from engine.reader import read_portrait


def distance_from(changed: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.distanceTransform((~changed).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def test_demo_paints_renders_copies_a_style_and_exports(qapp, tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path)]) == 0

    said = capsys.readouterr().out
    assert said.count("ms after release") == len(SCRIPT) >= 5
    assert {"hair", "u_lip", "eye_g"} <= {stroke.label for stroke in SCRIPT}
    read = {path.stem: np.asarray(Image.open(path)) for path in tmp_path.glob("*.png")}
    assert set(read) >= {
        "photo_edited",
        "window_photo",
        "window",
        "source",
        "mask_before",
        "mask_after",
        "render",
        "exported",
        "exported_style",
        "window_history",
    }
    # What was painted can be done anew from the project, and the face's actions came on top of it.
    project = read_project(tmp_path / "portrait.maskbrush")
    assert "the same mask" in said and len(project.edits) == len(SCRIPT) + 2
    np.testing.assert_array_equal(replay(project), project.labels)
    assert (project.labels == 15).any() and not (read["mask_after"] == 15).any()

    portrait = read_portrait(SAMPLE)
    np.testing.assert_array_equal(read["mask_before"], portrait.labels)
    changed = read["mask_before"] != read["mask_after"]
    assert 0.02 < changed.mean() < 0.5
    # Away from the edit the exported portrait is the source, pixel for pixel; in it, it is not.
    far = distance_from(changed) >= reach_of(portrait.labels)
    assert far.mean() > 0.3
    np.testing.assert_array_equal(read["exported"][far], portrait.pixels[far])
    difference = np.abs(read["exported"].astype(int) - portrait.pixels)
    assert difference[changed].mean() > 10
    # The default model has learned: longer hair has about the colour of the hair.
    hair = changed & (read["mask_after"] == 13)
    own_hair = portrait.pixels[portrait.labels == 13].mean(axis=0)
    assert np.abs(read["exported"][hair].mean(axis=0) - own_hair).max() < 60
    # A copied style makes the whole picture anew.
    assert (np.abs(read["exported_style"].astype(int) - portrait.pixels).max(axis=2) > 0).mean() > 0.9
    # A photo with a turned face: it is found, and away from the edit the export is the photo, pixel for pixel.
    turn = re.search(r"turned by (-?\d+)°", said)
    assert turn is not None and abs(int(turn[1]) - TILT) <= 3
    photo, edited = np.asarray(Image.open(tmp_path / "photo.jpg")), read["photo_edited"]
    assert photo.shape == edited.shape == (1200, 1600, 3)
    difference = (photo != edited).any(axis=2)
    assert 0.002 < difference.mean() < 0.05
    assert (np.abs(photo.astype(int) - edited).max(axis=2) > 30).sum() > 2000
    assert not difference[:, 1200:].any()
    # The window shows three pictures side by side: it is no blank square.
    assert read["window"][..., :3].reshape(-1, 3).std(axis=0).min() > 20
