from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.generate import BackendUnavailableError
from engine.selftest import LEAST_DB, MOST_DB, TOLERANCE, psnr, read_check, self_test
from engine.store import kept_graphs
from engine.types import StyleCode
from tests.backend_fakes import FakeBackend, FakeBackends


@pytest.fixture
def backends(tmp_path: Path) -> FakeBackends:
    made = FakeBackends(tmp_path)
    made.leave_check()
    return made


def folder(backends: FakeBackends) -> Path:
    return kept_graphs(backends.weights)


def failure(generator: FakeBackend, backends: FakeBackends | None) -> str:
    with pytest.raises(BackendUnavailableError) as error:
        self_test(generator, read_check(folder(backends)) if backends else None)
    return str(error.value)


# PSNR


def test_psnr_is_over_the_range_of_the_output() -> None:
    exact = np.zeros((4, 4, 3), np.float32)
    assert psnr(exact + np.float32(0.02), exact) == pytest.approx(40, abs=1e-4)
    assert psnr(exact + np.float32(2), exact) == pytest.approx(0, abs=1e-4)
    assert psnr(exact + np.float32(20), exact) == 0
    assert psnr(exact.copy(), exact) == MOST_DB


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_like_nothing(bad: float) -> None:
    image = np.zeros((4, 4, 3), np.float32)
    image[1, 2, 0] = bad
    assert psnr(image, np.zeros_like(image)) == 0


def test_pictures_of_other_sizes_are_not_compared() -> None:
    assert psnr(np.zeros((1, 4, 3), np.float32), np.zeros((4, 4, 3), np.float32)) == 0


# The check's file


def test_a_check_is_read_as_it_was_written(backends: FakeBackends) -> None:
    check = read_check(folder(backends))
    assert check is not None
    assert check.labels.shape == (32, 64) and check.pixels.shape == (32, 64, 3) and check.style.shape == (9,)
    again = FakeBackend("torch").encode(check.pixels, check.labels).vector
    assert np.array_equal(check.style, again)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("labels", np.full((32, 64), 19, np.uint8)),
        ("labels", np.zeros((32, 64), np.float32)),
        ("labels", np.zeros((0, 0), np.uint8)),
        ("pixels", np.zeros((32, 60, 3), np.uint8)),
        ("region", np.zeros((32, 64), np.float64)),
        ("style", np.zeros((1, 9), np.float32)),
        ("render", np.full((32, 64, 3), np.nan, np.float32)),
        ("render", np.array([{}], object)),
    ],
)
def test_a_check_that_cannot_be_one_is_none(backends: FakeBackends, name: str, array: np.ndarray) -> None:
    backends.leave_check(**{name: array})
    assert read_check(folder(backends)) is None


def test_a_damaged_or_missing_check_is_none(backends: FakeBackends) -> None:
    file = folder(backends) / "check.npz"
    content = file.read_bytes()
    middle = len(content) // 2
    for damaged in (b"", b"PK", content[:middle], content[:middle] + bytes(200) + content[middle + 200 :]):
        file.write_bytes(damaged)
        assert read_check(folder(backends)) is None
    file.unlink()
    assert read_check(folder(backends)) is None
    np.savez(file, labels=np.zeros((32, 64), np.uint8))
    assert read_check(folder(backends)) is None


# The test


def test_the_right_numbers_pass(backends: FakeBackends) -> None:
    for generator in (FakeBackend("onnx"), FakeBackend("openvino", drafts="int8")):
        generator.shift = TOLERANCE / 2
        generator.code_shift = -TOLERANCE / 2
        self_test(generator, read_check(folder(backends)))
        assert (generator.encoded, generator.decoded, generator.closed) == (1, 1, 0)
        labels, style, pixels, region = generator.calls[0]
        check = read_check(folder(backends))
        assert check is not None
        assert np.array_equal(labels, check.labels) and np.array_equal(pixels, check.pixels)
        assert np.array_equal(style.vector, check.style) and np.array_equal(region, check.region)


@pytest.mark.parametrize("shift", ["shift", "code_shift"])
def test_wrong_numbers_are_told_with_the_back_ends_name(backends: FakeBackends, shift: str) -> None:
    generator = FakeBackend("openvino")
    setattr(generator, shift, 2 * TOLERANCE)
    assert failure(generator, backends) == "OpenVINO returned wrong numbers in its self-test"
    generator = FakeBackend("torch", "cuda")
    setattr(generator, shift, -2 * TOLERANCE)
    assert failure(generator, backends) == "PyTorch on CUDA returned wrong numbers in its self-test"


def test_large_style_codes_may_differ_by_more(backends: FakeBackends) -> None:
    check = read_check(folder(backends))
    assert check is not None
    generator = FakeBackend("onnx")
    style = StyleCode(check.style + np.float32(100), generator.info.model_id)
    render = generator.decode(check.labels, style, check.pixels, check.region)
    backends.leave_check(style=style.vector, render=render)
    generator.code_shift = 100 + 50 * TOLERANCE
    self_test(generator, read_check(folder(backends)))
    generator.code_shift = 100 + 150 * TOLERANCE
    assert "wrong numbers" in failure(generator, backends)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_may_differ_by_more(backends: FakeBackends, precision: str) -> None:
    # 2 / 10 ** (35 / 20) = 0.0356, a little more for renders that reach beyond 1.
    for shift, right in ((0.03, True), (0.05, False)):
        generator = FakeBackend("torch", "cuda")
        generator.info = replace(generator.info, precision=precision)
        generator.shift = shift
        assert (psnr(np.full((2, 2, 3), np.float32(shift)), np.zeros((2, 2, 3), np.float32)) > LEAST_DB) == right
        if right:
            self_test(generator, read_check(folder(backends)))
        else:
            assert "wrong numbers" in failure(generator, backends)


def test_numbers_that_are_not_finite_fail_with_and_without_a_check(backends: FakeBackends) -> None:
    generator = FakeBackend("onnx")
    generator.spoil = True
    for each in (backends, None):
        assert failure(generator, each) == "ONNX Runtime returned numbers that are not finite in its self-test"
    generator = FakeBackend("onnx")
    generator.code_shift = np.inf
    for each in (backends, None):
        assert "not finite" in failure(generator, each)


def test_results_of_another_size_fail(backends: FakeBackends) -> None:
    check = read_check(folder(backends))
    assert check is not None
    generator = FakeBackend("onnx")
    generator.decode = lambda labels, style, pixels, region: np.zeros((32, 32, 3), np.float32)
    assert failure(generator, backends) == "ONNX Runtime returned results of a wrong size in its self-test"


@pytest.mark.parametrize("method", ["failure", "encode_failure"])
def test_what_a_back_end_raises_is_told(backends: FakeBackends, method: str) -> None:
    for error, text in (
        (RuntimeError("no such\nkernel"), "OpenVINO failed in its self-test (no such)"),
        (KeyError(), "OpenVINO failed in its self-test (KeyError)"),
        (MemoryError(), "OpenVINO ran out of memory in its self-test"),
    ):
        for each in (backends, None):
            generator = FakeBackend("openvino")
            setattr(generator, method, error)
            assert failure(generator, each) == text


def test_what_ends_the_program_is_not_held_up(backends: FakeBackends) -> None:
    generator = FakeBackend("openvino")
    generator.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        self_test(generator, read_check(folder(backends)))


def test_without_a_check_a_small_input_is_made_up() -> None:
    generators = FakeBackend("torch"), FakeBackend("torch")
    for generator in generators:
        self_test(generator, None)
        assert (generator.encoded, generator.decoded) == (1, 1)
    first, second = (generator.calls[0] for generator in generators)
    assert first[0].shape == (64, 64) and first[0].max() == 18
    for left, right in zip((first[0], first[2], first[3]), (second[0], second[2], second[3]), strict=True):
        assert np.array_equal(left, right)


def test_a_check_of_a_size_that_the_network_does_not_take_counts_as_none(backends: FakeBackends) -> None:
    generator = FakeBackend("onnx")
    generator.info = replace(generator.info, multiple=64)
    generator.shift = 1.0
    self_test(generator, read_check(folder(backends)))
    assert generator.calls[0][0].shape == (128, 128)
