from pathlib import Path

import numpy as np
import pytest

from engine import store
from engine.generate import load_generator
from engine.store import cache_folder, model_id
from engine.types import ModelError, Portrait
from tests.fakes import make_portrait, tiny_published_weights, tiny_weights


def whole(portrait: Portrait) -> np.ndarray:
    return np.ones(portrait.labels.shape, np.float32)


def whole_file(path: Path) -> bytes:
    made = path.with_name(f"made{path.suffix}")
    (tiny_published_weights if path.suffix == ".pth" else tiny_weights)(made)
    data = made.read_bytes()
    made.unlink()
    return data


def spoil(path: Path, how: str) -> None:
    match how:
        case "missing":
            pass
        case "zero bytes":
            path.touch()
        case "text":
            path.write_text("I am no weight file.\n" * 50)
        case "truncated":
            data = whole_file(path)
            path.write_bytes(data[: len(data) // 2])
        case "head only":
            path.write_bytes(whole_file(path)[:20])
        case "noise":
            path.write_bytes(np.random.default_rng(0).bytes(5000))
        case "foreign":
            foreign(path)
        case "folder":
            path.mkdir()


def foreign(path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    tensors = {"layer.weight": torch.zeros(3, 3)}
    if path.suffix == ".pth":
        torch.save(tensors, path)
    else:
        save_file(tensors, path)


@pytest.mark.parametrize("backend", ["auto", "torch", "onnx"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize(
    "how", ["missing", "zero bytes", "text", "truncated", "head only", "noise", "foreign", "folder"]
)
def test_weight_files_that_cannot_be_used(tmp_path: Path, backend, suffix: str, how: str) -> None:
    path = tmp_path / f"model{suffix}"
    spoil(path, how)
    with pytest.raises(ModelError) as error:
        load_generator(path, backend, "cpu")
    assert error.value.message and error.value.hint
    assert "back end" not in error.value.message, "the file is at fault, not the back end"
    assert not list(cache_folder().rglob("*.onnx"))


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    import torch

    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"model.1.weight": Trap()}, tmp_path / "trap.pth")
    for backend in ("torch", "onnx"):
        with pytest.raises(ModelError):
            load_generator(tmp_path / "trap.pth", backend, "cpu")
    assert not (tmp_path / "sprung").exists()


def test_shapes_that_build_no_network(tmp_path: Path) -> None:
    import torch

    # Names as in the published file, but sizes that belong together nowhere.
    names = ("model.1.weight", "enc_style.model_last.1.weight", "model.16.conv_block.0.conv.weight")
    torch.save({name: torch.zeros(5, 1, 1, 1) for name in names}, tmp_path / "odd.pth")
    with pytest.raises(ModelError) as error:
        load_generator(tmp_path / "odd.pth", "torch", "cpu")
    assert error.value.hint


@pytest.mark.parametrize("name", ["model.bin", "model", "model.onnx"])
def test_an_unknown_kind_of_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError) as error:
        load_generator(tmp_path / name)
    assert name in error.value.message and ".safetensors" in error.value.hint


def test_published_weights_load_and_show_their_terms(tmp_path: Path) -> None:
    path = tiny_published_weights(tmp_path / "latest_net_G.pth")
    generator = load_generator(path, "torch", "cpu")
    assert "non-commercial" in generator.info.licence
    assert not generator.info.context and generator.info.size == 512
    portrait = make_portrait((64, 96))
    style = generator.encode(portrait.pixels, portrait.labels)
    assert generator.decode(portrait.labels, style, portrait.pixels, whole(portrait)).shape == (64, 96, 3)
    generator.close()


def test_published_weights_are_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_published_weights(tmp_path / "latest_net_G.pth")
    portrait = make_portrait((64, 96))

    def encoded() -> np.ndarray:
        generator = load_generator(path, "torch", "cpu")
        assert generator.info.model_id == model_id(path) and generator.info.licence
        vector = generator.encode(portrait.pixels, portrait.labels).vector
        generator.close()
        return vector

    first = encoded()
    kept = list((cache_folder() / "converted").iterdir())
    assert [each.suffix for each in kept] == [".safetensors"]
    # From now on the pickle is not read at all.
    monkeypatch.setattr("torch.load", lambda *_, **__: pytest.fail("the published file was read again"))
    np.testing.assert_array_equal(encoded(), first)


def test_published_weights_load_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_published_weights(tmp_path / "latest_net_G.pth")
    (tmp_path / "file").touch()
    monkeypatch.setenv("MASKBRUSH_CACHE_DIR", str(tmp_path / "file"))
    load_generator(path, "torch", "cpu").close()


def test_the_default_weights_are_where_they_are_looked_for() -> None:
    assert store.default_weights().is_file()
    assert store.licence_of(store.default_weights()) == ""


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MASKBRUSH_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MASKBRUSH_CACHE_DIR")
    assert "maskbrush" in str(cache_folder())
