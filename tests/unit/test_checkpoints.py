"""Weight files: what is written can be read, and what cannot be read is refused in words, without running its code."""

import os
import pickle
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.checkpoints import NETWORK, load_generator, save_generator
from models.config import GeneratorConfig, WeightFileError
from models.generator import DenseMappingNetwork
from models.synthetic import TINY
from tests.fakes import TINY_PUBLISHED
from tests.golden import fill


class Payload:
    """What a hostile pickle does: it makes a folder when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.marker,)


@pytest.fixture(scope="module")
def tiny() -> DenseMappingNetwork:
    return fill(DenseMappingNetwork(TINY))


@pytest.fixture
def saved(tmp_path: Path, tiny: DenseMappingNetwork) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_generator(tiny, path, "Tiny", notes="made up")
    return path


def refused(path: Path) -> WeightFileError:
    """Expect a file to be refused in a message that names it and says what to do."""
    with pytest.raises(WeightFileError) as caught:
        load_generator(path)
    assert path.name in caught.value.message
    assert caught.value.hint.strip().endswith(".")
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


# Our own files


@pytest.mark.parametrize("half", [True, False], ids=["half", "full"])
@pytest.mark.parametrize("config", [TINY, TINY_PUBLISHED], ids=["context", "published"])
def test_round_trip(tmp_path: Path, config: GeneratorConfig, half: bool) -> None:
    network = fill(DenseMappingNetwork(config))
    path = tmp_path / "new" / "folder" / "net.safetensors"
    save_generator(network, path, "Näme", half=half)
    loaded, title = load_generator(path)
    assert title == "Näme"
    assert loaded.config == config
    assert not loaded.training
    assert list(loaded.state_dict()) == list(network.state_dict())
    for name, value in network.state_dict().items():
        read = loaded.state_dict()[name]
        assert read.dtype == torch.float32
        assert not read.is_meta
        assert torch.equal(read, value.half().float() if half else value)


def test_half_precision_halves_the_file(tmp_path: Path, tiny: DenseMappingNetwork) -> None:
    for half in (True, False):
        save_generator(tiny, tmp_path / f"{half}.safetensors", "Tiny", half=half)
    ratio = (tmp_path / "True.safetensors").stat().st_size / (tmp_path / "False.safetensors").stat().st_size
    assert 0.45 < ratio < 0.65


def test_saving_leaves_the_network_and_nothing_else_behind(tmp_path: Path, tiny: DenseMappingNetwork) -> None:
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    save_generator(tiny, tmp_path / "net.safetensors", "Tiny")
    save_generator(tiny, tmp_path / "net.safetensors", "Tiny again")
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]
    assert load_generator(tmp_path / "net.safetensors")[1] == "Tiny again"
    assert all(torch.equal(value, before[name]) for name, value in tiny.state_dict().items())


def test_a_loaded_network_does_not_depend_on_its_file(saved: Path, tiny: DenseMappingNetwork) -> None:
    loaded, _ = load_generator(saved)
    with saved.open("r+b") as file:
        file.write(bytes(saved.stat().st_size))
    for name, value in tiny.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())


def test_loaded_weights_can_be_trained(saved: Path) -> None:
    loaded, _ = load_generator(saved)
    assert all(value.requires_grad for value in loaded.parameters())
    assert all(not value.requires_grad for value in loaded.buffers())


def test_without_a_title_the_file_name_serves(tmp_path: Path, tiny: DenseMappingNetwork) -> None:
    save_generator(tiny, tmp_path / "my net.safetensors", "")
    assert load_generator(tmp_path / "my net.safetensors")[1] == "my net"


# Published files


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize(
    "config",
    [
        TINY_PUBLISHED,
        GeneratorConfig(width=4, blocks=1, downsamplings=3),
        GeneratorConfig(width=2, blocks=3, downsamplings=5),
    ],
    ids=["4 downsamplings", "3 downsamplings", "5 downsamplings"],
)
def test_published_weights_load_and_their_shape_is_found_out(
    tmp_path: Path, config: GeneratorConfig, prefix: str
) -> None:
    network = fill(DenseMappingNetwork(config))
    path = tmp_path / "latest_net_G.pth"
    torch.save({prefix + name: value for name, value in network.state_dict().items()}, path)
    loaded, title = load_generator(path)
    assert loaded.config == config
    assert "published" in title
    assert not loaded.training
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_published_weights_can_be_converted(tmp_path: Path) -> None:
    network = fill(DenseMappingNetwork(TINY_PUBLISHED))
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    published, _ = load_generator(tmp_path / "latest_net_G.pth")
    save_generator(published, tmp_path / "converted.safetensors", "Converted", half=False)
    loaded, title = load_generator(tmp_path / "converted.safetensors")
    assert title == "Converted"
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), network.parameters(), strict=True))


def test_half_precision_published_weights_load_as_float32(tmp_path: Path) -> None:
    network = fill(DenseMappingNetwork(TINY_PUBLISHED))
    torch.save({name: value.half() for name, value in network.state_dict().items()}, tmp_path / "g.pth")
    loaded, _ = load_generator(tmp_path / "g.pth")
    assert {value.dtype for value in loaded.state_dict().values()} == {torch.float32}


# Files that cannot be used


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    refused(tmp_path / "nothing.safetensors")
    (tmp_path / "folder.pth").mkdir()
    refused(tmp_path / "folder.pth")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin", ""])
@pytest.mark.parametrize(
    "content",
    [b"", b"\x00", b"These are my notes, not weights.\n" * 40, b"\x89PNG\r\n\x1a\n" + bytes(100), b"\xff" * 64],
    ids=["empty", "one byte", "text", "picture", "high bytes"],
)
def test_files_that_are_something_else(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("kept", [0.001, 0.1, 0.5, 0.99])
def test_truncated_safetensors(saved: Path, kept: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * kept)])
    assert "download" in refused(saved).hint


@pytest.mark.parametrize("kept", [0.001, 0.1, 0.5, 0.99])
def test_truncated_published_weights(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "latest_net_G.pth"
    torch.save(fill(DenseMappingNetwork(TINY_PUBLISHED)).state_dict(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert "download" in refused(path).hint


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "plain pickle"])
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path, legacy: bool) -> None:
    def write(path: Path, marker: Path) -> None:
        content = {"model.1.weight": torch.zeros(1), "more": Payload(marker)}
        if legacy:
            path.write_bytes(pickle.dumps(content, protocol=2))
        else:
            torch.save(content, path)

    path, marker = tmp_path / "latest_net_G.pth", tmp_path / "the payload ran"
    write(path, marker)
    refused(path)
    assert not marker.exists()

    # The payload is a real one: whatever trusts the file runs it.
    control = tmp_path / "the control ran"
    write(path, control)
    if legacy:
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert control.is_dir()


@pytest.mark.parametrize(
    "content",
    [
        [1, 2, 3],
        {},
        {"model.1.weight": "not a tensor"},
        {"state_dict": {"model.1.weight": torch.zeros(1)}},
        {"conv.weight": torch.zeros(3, 3)},
        torch.zeros(4),
        {"model.1.weight": torch.zeros(0, 19, 7, 7), "enc_style.model_last.1.weight": torch.zeros(64, 64, 1, 1)},
        {1: torch.zeros(1)},
    ],
    ids=["list", "nothing", "text", "nested", "other network", "tensor", "no channels", "number as name"],
)
def test_foreign_pickles(tmp_path: Path, content: object) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    refused(path)


def with_state(network: DenseMappingNetwork, change: Callable[[dict[str, torch.Tensor]], object]) -> dict:
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    change(state)
    return state


CHANGES = {
    "wrong shape": lambda state: state.update({"model.1.weight": torch.zeros(2, 5, 7, 7)}),
    "no dimensions": lambda state: state.update({"enc_style.model_last.1.weight": torch.tensor(1.0)}),
    "narrow style": lambda state: state.update({"enc_style.model_last.1.weight": torch.zeros(1, 64, 1, 1)}),
    "wide style": lambda state: state.update({"enc_style.model_last.1.weight": torch.zeros(999, 64, 1, 1)}),
    "one missing": lambda state: state.pop("enc_label.model.0.conv.weight"),
    "one too many": lambda state: state.update({"extra": torch.zeros(1)}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_published_weights_of_wrong_shapes(tmp_path: Path, change: str) -> None:
    state = with_state(fill(DenseMappingNetwork(TINY_PUBLISHED)), CHANGES[change])
    path = tmp_path / "latest_net_G.pth"
    torch.save(state, path)
    refused(path)


@pytest.mark.parametrize("change", CHANGES)
def test_own_weights_of_wrong_shapes(tmp_path: Path, tiny: DenseMappingNetwork, change: str) -> None:
    path = tmp_path / "net.safetensors"
    metadata = {"network": NETWORK, "config": TINY.to_json(), "title": ""}
    save_file(with_state(tiny, CHANGES[change]), path, metadata)
    assert "does not fit" in refused(path).message


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"network": "face_parser", "config": "{}"}, {"network": NETWORK}],
    ids=["none", "empty", "other network", "no configuration"],
)
def test_foreign_safetensors(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path, metadata)
    assert "another network" in refused(path).message


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        TINY.to_json().replace("blocks", "brushes"),
        TINY.to_json().replace("group", "batch"),
        TINY.to_json().replace('"width": 8', '"width": "8"'),
        TINY.to_json().replace('"width": 8', '"width": 1000000'),
        TINY.to_json().replace('"blocks": 1', '"blocks": 100000000'),
    ],
    ids=["no JSON", "list", "unknown key", "unknown norm", "text as number", "too wide", "too deep"],
)
def test_own_weights_of_an_unknown_configuration(saved: Path, config: str) -> None:
    save_file(load_file(saved), saved, {"network": NETWORK, "config": config, "title": "Tiny"})
    assert "configuration" in refused(saved).message


def test_own_weights_of_another_configuration(saved: Path) -> None:
    config = replace(TINY, width=16).to_json()
    save_file(load_file(saved), saved, {"network": NETWORK, "config": config, "title": "Tiny"})
    assert "does not fit" in refused(saved).message


# Saving that fails


def test_a_failed_save_leaves_the_old_file_and_no_litter(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def fail(path: Path, _data: bytes) -> None:
        with path.open("wb") as file:
            file.write(b"half of it")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        with pytest.raises(OSError, match="No space left"):
            save_generator(fill(DenseMappingNetwork(TINY)), saved, "New")
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_weights_are_as_readable_as_any_new_file(saved: Path) -> None:
    other = saved.with_name("other")
    other.touch()
    assert stat.S_IMODE(saved.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


def test_a_folder_that_cannot_be_made(tmp_path: Path, tiny: DenseMappingNetwork) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        save_generator(tiny, tmp_path / "file" / "net.safetensors", "Tiny")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_folder_in_the_place_of_the_file(tmp_path: Path, tiny: DenseMappingNetwork) -> None:
    (tmp_path / "net.safetensors").mkdir()
    with pytest.raises(OSError, match=r"net\.safetensors"):
        save_generator(tiny, tmp_path / "net.safetensors", "Tiny")
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]
