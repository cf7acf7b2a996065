"""The generator in a process of its own: it renders as it would here, is loaded, fails and is cancelled alike."""

import errno
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest

from engine import remote, remote_process
from engine.generate import load_generator
from engine.remote import RemoteGenerator, load_remotely, prepare
from engine.types import CancelledError, EngineError, MaskError, ModelError, Region, StyleCode
from engine.worker import as_engine_error
from tests.fakes import check_error, make_portrait, tiny_weights
from tests.remote_fakes import Puppet, puppet, wait_for
from tests.remote_hosts import (
    STYLE,
    Host,
    all_gone,
    hosting,
    no_memory_left,
    ordered,
    recorded_processes,
    render,
    scene,
)


@pytest.fixture(autouse=True)
def memories() -> Iterator[list[str]]:
    with no_memory_left() as names:
        yield names


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with hosting(tmp_path) as make:
        yield make


@pytest.fixture
def spawned() -> Iterator[list[int]]:
    with recorded_processes() as pids:
        yield pids


# What comes back


def test_all_methods_return_what_they_would_here(host: Host, tmp_path: Path) -> None:
    there, here = host(), Puppet(tmp_path)
    # The note tells what was imported: there, nothing that is here.
    assert there.info.note == "" and there.info == replace(here.info, note="")
    for side, seed in ((16, 0), (16, 0), (64, 1), (8, 2)):
        labels, pixels, region = scene(side, seed)
        code, expected = there.encode(pixels, labels), here.encode(pixels, labels)
        np.testing.assert_array_equal(code.vector, expected.vector)
        assert code.model_id == expected.model_id
        image = there.decode(labels, STYLE, pixels, region)
        assert image.dtype == np.float32 and image.flags.c_contiguous and image.flags.writeable
        np.testing.assert_array_equal(image, here.decode(labels, STYLE, pixels, region))
        box = Region(0, 0, 8, side - 8) if side > 8 else Region(0, 0, 8, 8)
        for part in (None, box):
            draft, same = (each.draft(labels, STYLE, pixels, region, part) for each in (there, here))
            assert draft is not None and same is not None
            np.testing.assert_array_equal(draft, same)
        assert there.draft(labels, ordered("no_draft"), pixels, region) is None
        styles = [STYLE, StyleCode(np.arange(7, dtype=np.float32) + 9, "plain"), STYLE]
        images = there.decode_styles(labels, styles, pixels, region)
        for image, same in zip(images, here.decode_styles(labels, styles, pixels, region), strict=True):
            np.testing.assert_array_equal(image, same)
    assert there.decode_styles(labels, [], pixels, region) == []


def test_arrays_may_be_views(host: Host, tmp_path: Path) -> None:
    labels, pixels, region = scene(32)
    turned = labels[::-1].T, STYLE, pixels[::-1].transpose(1, 0, 2), region[::-1].T
    np.testing.assert_array_equal(host().decode(*turned), Puppet(tmp_path).decode(*turned))


def test_a_picture_stays_the_callers_own(host: Host) -> None:
    generator = host()
    first = render(generator, STYLE)
    kept = first.copy()
    render(generator, STYLE, seed=1)
    np.testing.assert_array_equal(first, kept)


def test_what_did_not_change_is_the_same_object_there(host: Host) -> None:
    generator = host()
    render(generator, STYLE)
    labels, pixels, region = scene()
    style = ordered("same")
    first = generator.decode(labels, style, pixels, region)
    assert first[0, 0].tolist() == [True, False, False]
    # Equal is enough; and another mask and region change nothing.
    copy = StyleCode(style.vector.copy(), "same")
    second = generator.decode(labels[::-1], copy, pixels.copy(), 1 - region)
    assert second[0, 0].tolist() == [True, True, False]
    # What is written to in place is another picture.
    pixels[0, 0] += 1
    style.vector[0] += 1
    third = generator.decode(labels, style, pixels, region)
    assert third[0, 0].tolist() == [False, False, False]
    np.testing.assert_array_equal(third[1:], render_locally(labels, style, pixels, region)[1:])


def render_locally(labels: np.ndarray, style: StyleCode, pixels: np.ndarray, region: np.ndarray) -> np.ndarray:
    return Puppet(Path()).decode(labels, StyleCode(style.vector, "plain"), pixels, region)


def test_what_is_known_of_the_generator_may_change(host: Host) -> None:
    generator = host()
    before = generator.info
    render(generator, STYLE)
    assert generator.info is before
    with pytest.raises(MaskError):
        render(generator, ordered("give_up"))
    assert generator.info == replace(before, device="another one")
    render(generator, ordered("change"))
    assert generator.info == replace(before, device="a third one")


def test_the_memory_grows_with_the_picture(host: Host, memories: list[str]) -> None:
    generator = host()
    for side, expected in ((16, 1), (8, 1), (16, 1), (64, 2), (32, 2), (128, 3)):
        labels, pixels, region = scene(side, side)
        image = generator.decode(labels, STYLE, pixels, region)
        np.testing.assert_array_equal(image, render_locally(labels, STYLE, pixels, region))
        assert len(memories) == expected


def test_a_network_renders_just_what_it_does_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    weights, portrait = tiny_weights(tmp_path / "tiny.safetensors"), make_portrait(64)
    labels, region = portrait.labels[::-1].copy(), np.ones((64, 64), np.float32)
    there, here = load_remotely(weights, "torch", "cpu"), load_generator(weights, "torch", "cpu")
    try:
        assert isinstance(there, RemoteGenerator) and there.info == here.info
        code, same = (each.encode(portrait.pixels, portrait.labels) for each in (there, here))
        np.testing.assert_allclose(code.vector, same.vector, atol=1e-6)
        image, same = (each.decode(labels, code, portrait.pixels, region) for each in (there, here))
        # Threads share the work out differently in another process.
        np.testing.assert_allclose(image, same, atol=1e-5)
    finally:
        there.close()
        here.close()


# Loading


def test_progress_comes_through_in_order(host: Host) -> None:
    told: list[str] = []
    host(progress=told.append)
    assert told == ["one", "two"]


def test_what_was_needed_for_loading_only_is_not_kept(host: Host, tmp_path: Path) -> None:
    (tmp_path / "exports").touch()
    told: list[str] = []
    generator = host(told.append)
    assert told == ["exporting", "one", "two"] and generator.info.note == ""
    assert len(list(tmp_path.glob("begun-*"))) == 2
    # What is needed each time is not waited for again and again.
    (tmp_path / "always").touch()
    assert host().info.note == "torch"
    assert len(list(tmp_path.glob("begun-*"))) == 4


def test_errors_of_loading_are_the_same(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as here:
        load_generator(tmp_path / "none.safetensors")
    with pytest.raises(ModelError) as there:
        load_remotely(tmp_path / "none.safetensors")
    check_error(there, "none.safetensors")
    assert (there.value.message, there.value.hint) == (here.value.message, here.value.hint)


def test_what_cannot_be_sent_is_an_error_and_leaves_no_process(spawned: list[int]) -> None:
    with pytest.raises((AttributeError, pickle.PicklingError)) as error:
        RemoteGenerator(lambda *, progress: Puppet(Path()))
    assert len(spawned) == 1 and error.tb is not None  # which holds all that the failed call held
    assert all_gone(*spawned)


def test_a_process_that_dies_while_loading(host: Host, tmp_path: Path) -> None:
    (tmp_path / "doomed").touch()
    with pytest.raises(ModelError) as error:
        host()
    check_error(error, "ended unexpectedly", "exit status 7")


def test_what_is_prepared_is_used_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "load_generator", puppet)
    told: list[str] = []
    prepare(tmp_path, "onnx", "cpu")
    first = load_remotely(tmp_path, "onnx", "cpu", told.append)
    assert len(list(tmp_path.glob("begun-*"))) == 1 and told == ["one", "two"]
    second = load_remotely(tmp_path, "onnx", "cpu")
    assert len(list(tmp_path.glob("begun-*"))) == 2
    first.close()
    np.testing.assert_array_equal(render(second, STYLE), render(Puppet(tmp_path), STYLE))
    second.close()


def test_what_was_prepared_in_vain_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spawned: list[int]
) -> None:
    monkeypatch.setattr(remote, "load_generator", puppet)
    prepare(tmp_path, "onnx", "cpu")
    prepare(tmp_path, "torch", "cpu")
    load_remotely(tmp_path, "onnx", "cpu").close()
    assert len(spawned) == 3
    assert all_gone(*spawned)


def test_errors_of_what_was_prepared_come_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "load_generator", puppet)
    (tmp_path / "missing").touch()
    prepare(tmp_path, "onnx", "cpu")
    with pytest.raises(MaskError) as error:
        load_remotely(tmp_path, "onnx", "cpu")
    assert (error.value.message, error.value.hint) == ("Loading failed.", "onnxcpu")


# Errors


@pytest.mark.parametrize(("order", "kind"), [("meant", MaskError), ("odd", EngineError), ("memory", EngineError)])
def test_errors_cross(host: Host, tmp_path: Path, order: str, kind: type[EngineError]) -> None:
    generator = host()
    with pytest.raises(EngineError) as there:
        render(generator, ordered(order))
    with pytest.raises((EngineError, ZeroDivisionError, RuntimeError)) as here:
        render(Puppet(tmp_path), ordered(order))
    expected = as_engine_error(here.value)
    assert type(there.value) is kind and str(there.value) == str(expected)
    assert (there.value.message, there.value.hint) == (expected.message, expected.hint)
    np.testing.assert_array_equal(render(generator, STYLE), render(Puppet(tmp_path), STYLE))


def test_a_picture_of_another_size_than_asked_for_is_an_error(host: Host, tmp_path: Path) -> None:
    generator = host()
    with pytest.raises(EngineError):
        render(generator, ordered("large"))
    np.testing.assert_array_equal(render(generator, STYLE), render(Puppet(tmp_path), STYLE))


def test_no_room_for_pictures(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    generator = host()

    def full(memory: SharedMemory) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(remote_process, "_reserve", full)
        with pytest.raises(MemoryError) as error:
            render(generator, STYLE)
    assert "not enough memory" in as_engine_error(error.value).message
    np.testing.assert_array_equal(render(generator, STYLE), render(Puppet(tmp_path), STYLE))


# Cancelling


@contextmanager
def cancelling(generator: RemoteGenerator, folder: Path) -> Iterator[None]:
    """Cancel what runs once the puppet says that it has begun to wait."""
    entered = folder / "entered"
    thread = threading.Thread(target=lambda: (wait_for(entered), generator.cancel()))
    thread.start()
    yield
    thread.join()
    entered.unlink()


def test_cancel_ends_what_runs_and_nothing_else(host: Host, tmp_path: Path) -> None:
    generator = host()
    generator.cancel()  # nothing runs
    expected = render(Puppet(tmp_path), STYLE)
    np.testing.assert_array_equal(render(generator, STYLE), expected)
    for _ in range(2):
        with cancelling(generator, tmp_path), pytest.raises(CancelledError) as error:
            render(generator, ordered("wait"))
        assert (error.value.message, error.value.hint) == ("Cancelled.", "")
        generator.cancel()  # too late
        np.testing.assert_array_equal(render(generator, STYLE), expected)


def test_what_came_with_a_cancelled_call_is_not_lost(host: Host, tmp_path: Path) -> None:
    generator = host()
    with cancelling(generator, tmp_path), pytest.raises(CancelledError):
        render(generator, ordered("wait"), seed=5)
    np.testing.assert_array_equal(render(generator, STYLE, seed=5), render(Puppet(tmp_path), STYLE, seed=5))


def test_a_call_can_be_cancelled_before_it_is_sent(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = host()
    pose = remote_process.Process.pose

    def posed(self: remote_process.Process, *given: object) -> object:
        generator.cancel()
        return pose(self, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(remote_process.Process, "pose", posed)
        with pytest.raises(CancelledError):
            render(generator, STYLE, seed=3)
    np.testing.assert_array_equal(render(generator, STYLE, seed=3), render(Puppet(tmp_path), STYLE, seed=3))
