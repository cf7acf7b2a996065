from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.cli import main
from engine.api import EngineError, Maskbrush, Portrait, read_mask, read_picture, save_mask, save_picture
from engine.files import working_size
from resources.labels import BY_NAME
from tests.fakes import make_labels, make_portrait, tiny_published_weights, tiny_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def brush(weights: Path) -> Iterator[Maskbrush]:
    with Maskbrush(weights, "torch", "cpu") as brush:
        yield brush


def portrait_of(height: int, width: int, seed: int = 0) -> Portrait:
    return make_portrait((height, width), mask_size=working_size(height, width), seed=seed)


def with_glasses(portrait: Portrait) -> np.ndarray:
    labels = portrait.labels.copy()
    height, width = labels.shape
    labels[int(height * 0.38) : int(height * 0.46), int(width * 0.34) : int(width * 0.66)] = BY_NAME["eye_g"].id
    return labels


@pytest.mark.parametrize("size", [(100, 80), (512, 512), (600, 900), (40, 800)])
def test_renders_at_the_portraits_own_resolution(brush: Maskbrush, size: tuple[int, int]) -> None:
    portrait = portrait_of(*size)
    result = brush.render(portrait, with_glasses(portrait))
    assert result.dtype == np.uint8 and result.shape == portrait.pixels.shape
    different = (result != portrait.pixels).any(axis=2)
    assert different.any() and not different[:, int(size[1] * 0.75) :].any()


def test_styles_and_raw_renders(brush: Maskbrush) -> None:
    portrait, exemplar = portrait_of(120, 100), portrait_of(90, 90, seed=5)
    edited = with_glasses(portrait)
    own, raw = brush.render(portrait, edited), brush.render(portrait, edited, composite=False)
    styled = brush.render(portrait, edited, exemplar)
    assert own.shape == raw.shape == styled.shape
    assert not np.array_equal(own, raw) and not np.array_equal(own, styled)
    # The order of calls does not matter.
    assert np.array_equal(brush.render(portrait, edited), own)
    assert np.array_equal(brush.render(portrait, portrait.labels), portrait.pixels)


@pytest.mark.parametrize("composite", [True, False])
@pytest.mark.parametrize("classes", [(), (13,)])
def test_several_styles_are_what_each_gives_alone(brush: Maskbrush, composite: bool, classes: tuple[int, ...]) -> None:
    portrait = portrait_of(64, 64)
    # The portrait's own style among them, which changes less.
    exemplars = [portrait_of(64, 64, 1), portrait, portrait_of(96, 64, 2), portrait_of(64, 64, 3)]
    edited = with_glasses(portrait)
    together = brush.render_styles(portrait, edited, exemplars, composite, classes)
    for picture, exemplar in zip(together, exemplars, strict=True):
        alone = brush.render(portrait, edited, exemplar, composite, classes)
        assert np.abs(picture.astype(int) - alone).max() <= 1
    assert brush.render_styles(portrait, edited, []) == []


def test_other_integers_are_fine_and_inputs_stay_untouched(brush: Maskbrush) -> None:
    portrait = portrait_of(64, 64)
    edited = with_glasses(portrait)
    before = edited.copy()
    expected = brush.render(portrait, edited)
    assert np.array_equal(edited, before) and edited.flags.writeable
    wide: Any = edited.astype(np.int64)
    assert np.array_equal(brush.render(portrait, wide), expected)


def test_masks_that_are_wrong(brush: Maskbrush) -> None:
    portrait = portrait_of(64, 64)
    with pytest.raises(ValueError, match=r"\(64, 64\).*\(512, 512\)"):
        brush.render(portrait, np.zeros((64, 64), np.uint8))
    for value in (19, 255, 256, -1, 0.5):
        edited: Any = portrait.labels.astype(np.float64)
        edited[0, 0] = value
        with pytest.raises(ValueError, match="0 to 18"):
            brush.render(portrait, edited)


def test_it_knows_its_model_and_closes(weights: Path) -> None:
    brush = Maskbrush(weights, "torch", "cpu")
    assert (brush.info.title, brush.info.backend, brush.info.device) == ("Tiny", "PyTorch", "CPU")
    brush.close()
    brush.close()
    with pytest.raises(EngineError, match="No model"):
        brush.render(portrait_of(64, 64), make_labels(512, 512))


def test_a_model_that_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="does not exist"):
        Maskbrush(tmp_path / "no.safetensors")


# The command line

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """A folder with a portrait, its mask, an edited mask and an exemplar."""
    for name, seed in (("face", 0), ("other", 5)):
        portrait = portrait_of(120, 100, seed)
        save_picture(tmp_path / f"{name}.png", portrait.pixels)
        save_mask(tmp_path / f"{name}_mask.png", portrait.labels)
    save_mask(tmp_path / "edited.png", with_glasses(portrait_of(120, 100)))
    return tmp_path


@pytest.fixture
def run(face: Path, weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(face)

    def run(*words: str, model: Path | str = weights) -> tuple[int, str, str]:
        status = main(["render", *words, "--model", str(model), "--backend", "torch", "--device", "cpu"])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_render_writes_the_edit(face: Path, run: Run, brush: Maskbrush) -> None:
    status, out, err = run("face.png", "--mask", "face_mask.png", "--edited", "edited.png", "-o", "result.png")
    assert (status, err) == (0, "")
    assert "result.png" in out and "CPU" in out
    portrait = portrait_of(120, 100)
    assert np.array_equal(read_picture(face / "result.png"), brush.render(portrait, with_glasses(portrait)))


def test_render_finds_the_masks_and_takes_a_style(face: Path, run: Run, brush: Maskbrush) -> None:
    assert run("face.png", "--edited", "edited.png", "--style", "other.png", "-o", "styled.png")[0] == 0
    portrait, exemplar = portrait_of(120, 100), portrait_of(120, 100, seed=5)
    expected = brush.render(portrait, with_glasses(portrait), exemplar)
    assert np.array_equal(read_picture(face / "styled.png"), expected)
    again = ("--style", "other.png", "--style-mask", "other_mask.png", "-o", "again.png")
    assert run("face.png", "--edited", "edited.png", *again)[0] == 0
    assert np.array_equal(read_picture(face / "again.png"), expected)


def test_render_raw_unchanged_and_as_jpeg(face: Path, run: Run, brush: Maskbrush) -> None:
    portrait = portrait_of(120, 100)
    assert run("face.png", "-o", "same.png")[0] == 0
    assert np.array_equal(read_picture(face / "same.png"), portrait.pixels)
    assert run("face.png", "--raw", "-o", "raw.png")[0] == 0
    raw = brush.render(portrait, portrait.labels, composite=False)
    assert np.array_equal(read_picture(face / "raw.png"), raw)
    assert run("face.png", "--raw", "-o", "raw.jpg")[0] == 0
    assert read_picture(face / "raw.jpg").shape == raw.shape


def test_published_weights_show_their_terms(face: Path, run: Run) -> None:
    model = tiny_published_weights(face / "latest_net_G.pth")
    status, _, err = run("face.png", "--edited", "edited.png", "-o", "result.png", model=model)
    assert status == 0 and "non-commercial" in err


def spoil(folder: Path) -> None:
    (folder / "text.png").write_text("no picture")
    (folder / "empty.png").touch()
    (folder / "cut.png").write_bytes((folder / "face.png").read_bytes()[:3000])
    save_picture(folder / "colour_mask.png", portrait_of(120, 100).pixels)
    Image.fromarray(np.full((120, 100), 19, np.uint8)).save(folder / "high_mask.png")
    save_mask(folder / "wide_mask.png", make_labels(60, 100))
    save_picture(folder / "alone.png", portrait_of(120, 100).pixels)
    (folder / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    (folder / "folder.png").mkdir()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("missing.png",), "missing.png does not exist"),
        (("text.png",), "text.png is not a picture"),
        (("empty.png",), "empty.png is empty"),
        (("cut.png",), "There is no mask beside cut.png"),
        (("alone.png",), "There is no mask beside alone.png"),
        (("face.png", "--mask", "missing.png"), "missing.png does not exist"),
        (("face.png", "--mask", "colour_mask.png"), "colour picture"),
        (("face.png", "--mask", "high_mask.png"), "class id 19"),
        (("face.png", "--edited", "wide_mask.png"), "their shapes differ"),
        (("face.png", "--edited", "text.png"), "text.png is not a picture"),
        (("face.png", "--style", "alone.png"), "There is no mask beside alone.png"),
        (("face.png", "--style", "empty.png"), "empty.png is empty"),
        (("face.png", "--model", "cut.safetensors"), "cut.safetensors cannot be read"),
        (("face.png", "--model", "none.safetensors"), "does not exist"),
        (("face.png", "-o", "result.gif"), "no known picture format"),
        (("face.png", "-o", "folder.png"), "folder.png cannot be written"),
        (("face.png", "-o", "missing/result.png"), "cannot be written"),
        (("face.png", "-o", "face.png/result.png"), "cannot be written"),
    ],
)
def test_bad_input_gives_a_message_a_hint_and_status_1(
    face: Path, run: Run, weights: Path, words: tuple[str, ...], message: str
) -> None:
    spoil(face)
    before = {path: path.read_bytes() for path in face.rglob("*") if path.is_file()}
    model = weights
    if "--model" in words:
        words, model = words[:1], Path(words[2])
    if "-o" not in words:
        words = (*words, "-o", "result.png")
    status, out, err = run(*words, model=model)
    assert (status, out) == (1, "")
    lines = err.splitlines()
    assert len(lines) == 2, err
    assert message in lines[0] and lines[1].strip()
    assert {path: path.read_bytes() for path in face.rglob("*") if path.is_file()} == before


def test_usage_errors_are_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["render"], ["render", "face.png"], ["render", "a.png", "-o", "b.png", "--backend", "abacus"]):
        with pytest.raises(SystemExit) as leaving:
            main(words)
        assert leaving.value.code == 2
        assert "usage" in capsys.readouterr().err


def test_a_portrait_saved_and_read_is_the_same(face: Path) -> None:
    assert np.array_equal(read_mask(face / "edited.png", 120, 100), with_glasses(portrait_of(120, 100)))
