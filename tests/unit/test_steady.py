import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.session import Session
from engine.steady import SteadyGenerator
from engine.torch_device import DeviceMemoryError
from engine.tuning import Measurement, remember
from engine.types import CancelledError, EngineError, ModelError, Region, RenderRequest
from tests.backend_fakes import CPU, GPU, FakeBackend, FakeBackends, Without8Bits
from tests.fakes import check_error, make_portrait

OPENVINO, ONNX, TORCH = CPU
PORTRAIT = make_portrait(64)
REGION = np.ones((64, 64), np.float32)
INPUTS = (PORTRAIT.labels, FakeBackend("torch").encode(PORTRAIT.pixels, PORTRAIT.labels), PORTRAIT.pixels, REGION)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def backends(tmp_path: Path) -> FakeBackends:
    made = FakeBackends(tmp_path)
    made.leave_graphs()
    for pair in CPU:
        # Its time does not matter here.
        remember(made.weights, pair, Measurement(10, 5, 2, 50.0))
    return made


def steady(backends: FakeBackends, pairs=CPU) -> tuple[SteadyGenerator, FakeBackend]:
    generator = SteadyGenerator(backends.choice(pairs))
    return generator, backends.made[-1][1]


def failing(error: Exception) -> Callable[[FakeBackend], None]:
    return lambda made: setattr(made, "failure", error)


def break_later(backends: FakeBackends, pair: tuple[str, str], error: Exception) -> None:
    """Let a back end pass its self-test, and fail after that."""

    def set_up(made: FakeBackend) -> None:
        def during() -> None:
            if made.decoded:
                made.failure = error

        made.during = during

    backends.set_up[pair] = set_up


# While all is well


def test_calls_go_to_the_first_one(backends: FakeBackends) -> None:
    backends.drafts, backends.step = "int8", 16
    generator, inner = steady(backends)
    assert generator.info == inner.info and generator.info is generator.info
    assert np.array_equal(generator.encode(PORTRAIT.pixels, PORTRAIT.labels).vector, INPUTS[1].vector)
    image = generator.decode(*INPUTS)
    assert np.array_equal(image, inner.decode(*INPUTS))
    images = generator.decode_styles(INPUTS[0], [INPUTS[1]] * 2, *INPUTS[2:])
    assert len(images) == 2 and all(np.array_equal(each, image) for each in images)
    box = Region(16, 0, 48, 32)
    whole, part = generator.draft(*INPUTS), generator.draft(*INPUTS, box)
    assert whole is not None and part is not None
    assert np.array_equal(part, whole[box.slices]) and inner.drafted == [None, box]
    assert generator.decode_styles(INPUTS[0], [], *INPUTS[2:]) == []
    generator.close()
    generator.close()
    assert inner.closed == 1 and backends.names == ["openvino cpu"]


def test_a_closed_one_stays_closed(backends: FakeBackends) -> None:
    generator, _ = steady(backends)
    generator.close()
    with pytest.raises(ModelError) as error:
        generator.decode(*INPUTS)
    check_error(error, "closed")
    assert generator.draft(*INPUTS) is None and generator.info.backend == "OpenVINO"
    generator.cancel()
    assert backends.names == ["openvino cpu"]


def test_what_a_back_end_says_of_itself_later_is_told(backends: FakeBackends) -> None:
    backends.lack(OPENVINO)
    generator, inner = steady(backends)
    assert generator.info.note == "OpenVINO cannot be imported"
    before = generator.info
    inner.info = replace(inner.info, note="half precision is not accurate here")
    assert generator.info is not before
    assert generator.info.note == "OpenVINO cannot be imported; half precision is not accurate here"


# Falling back


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("boom\nat layer 3"), "OpenVINO failed (boom)"),
        (KeyError(), "OpenVINO failed (KeyError)"),
        (EngineError("It is broken.", "Try again."), "OpenVINO failed (It is broken)"),
        (MemoryError(), "OpenVINO ran out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "OpenVINO ran out of memory"),
    ],
)
@pytest.mark.parametrize("method", ["encode", "decode", "decode_styles"])
def test_where_one_fails_the_next_takes_over(
    backends: FakeBackends, error: Exception, reason: str, method: str
) -> None:
    generator, inner = steady(backends)
    before = generator.info
    inner.failure = inner.encode_failure = error
    expected = FakeBackend("onnx").decode(*INPUTS)
    if method == "encode":
        assert np.array_equal(generator.encode(PORTRAIT.pixels, PORTRAIT.labels).vector, INPUTS[1].vector)
    elif method == "decode":
        assert np.array_equal(generator.decode(*INPUTS), expected)
    else:
        images = generator.decode_styles(INPUTS[0], [INPUTS[1]] * 2, *INPUTS[2:])
        assert len(images) == 2 and all(np.array_equal(image, expected) for image in images)
    assert generator.info is not before and generator.info != before
    assert (generator.info.backend, generator.info.note) == ("ONNX Runtime", reason)
    assert generator.info.model_id == before.model_id
    assert backends.open == ["onnx cpu"] and inner.closed == 1
    # From now on it is used without further ado.
    assert np.array_equal(generator.decode(*INPUTS), expected)
    assert backends.names == ["openvino cpu", "onnx cpu"]


@pytest.mark.parametrize("method", ["encode", "decode"])
def test_numbers_that_are_not_finite_are_a_failure(backends: FakeBackends, method: str) -> None:
    generator, inner = steady(backends)
    if method == "encode":
        inner.code_shift = np.nan
        assert np.isfinite(generator.encode(PORTRAIT.pixels, PORTRAIT.labels).vector).all()
    else:
        inner.spoil = True
        assert np.isfinite(generator.decode(*INPUTS)).all()
    assert generator.info.note == "OpenVINO returned numbers that are not finite"
    assert generator.info.backend == "ONNX Runtime"


def test_one_after_the_other_takes_over(backends: FakeBackends) -> None:
    generator, inner = steady(backends)
    inner.failure = RuntimeError("first")
    break_later(backends, ONNX, RuntimeError("second"))
    assert np.array_equal(generator.decode(*INPUTS), FakeBackend("torch").decode(*INPUTS))
    assert generator.info.backend == "PyTorch"
    assert generator.info.note == "OpenVINO failed (first); ONNX Runtime failed (second)"
    assert backends.names == ["openvino cpu", "onnx cpu", "torch cpu"] and backends.open == ["torch cpu"]


def test_one_that_cannot_be_loaded_or_fails_its_self_test_is_passed_over(backends: FakeBackends) -> None:
    generator, inner = steady(backends)
    inner.failure = RuntimeError("boom")
    backends.set_up[ONNX] = failing(RuntimeError("broken"))
    generator.decode(*INPUTS)
    assert generator.info.note == "OpenVINO failed (boom); ONNX Runtime failed in its self-test (broken)"
    assert generator.info.backend == "PyTorch" and backends.open == ["torch cpu"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DeviceMemoryError(), "The graphics card ran out of memory"),
        (MemoryError(), "The graphics card ran out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "The graphics card ran out of memory"),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"), "The graphics card ran out of memory"),
        (RuntimeError("device-side assert"), "PyTorch on CUDA failed (device-side assert)"),
    ],
)
def test_a_graphics_card_that_fails_is_left_alone(backends: FakeBackends, error: Exception, reason: str) -> None:
    generator, inner = steady(backends, (*GPU, *CPU))
    inner.failure = error
    assert np.array_equal(generator.decode(*INPUTS), FakeBackend("torch").decode(*INPUTS))
    assert (generator.info.backend, generator.info.device, generator.info.note) == ("OpenVINO", "CPU", reason)
    assert backends.names == ["torch cuda", "openvino cpu"] and backends.open == ["openvino cpu"]


def test_a_back_end_that_cannot_even_be_closed_is_left_behind(backends: FakeBackends) -> None:
    generator, inner = steady(backends)
    inner.failure = RuntimeError("boom")

    def close() -> None:
        raise RuntimeError("no")

    inner.close = close
    generator.decode(*INPUTS)
    assert generator.info.backend == "ONNX Runtime"


def test_a_failed_draft_is_left_to_the_exact_render(backends: FakeBackends) -> None:
    backends.drafts = "int8"
    generator, inner = steady(backends)
    inner.draft_failure = RuntimeError("boom")
    with pytest.raises(RuntimeError, match="boom"):
        generator.draft(*INPUTS)
    assert generator.info.backend == "OpenVINO" and inner.closed == 0


def test_the_next_ones_drafts_are_its_own(backends: FakeBackends) -> None:
    backends.drafts, backends.step = "int8", 16
    generator, inner = steady(backends)
    inner.failure = RuntimeError("boom")
    backends.drafts = ""
    generator.decode(*INPUTS)
    assert (generator.info.drafts, generator.info.step) == ("", 16)
    assert generator.draft(*INPUTS) is None
    part = generator.draft(*INPUTS, Region(0, 0, 32, 32))
    assert part is not None and part.shape == (32, 32, 3)


# When all fail


def test_when_none_is_left_each_reason_is_given_and_the_next_call_starts_again(backends: FakeBackends) -> None:
    generator, inner = steady(backends)
    inner.failure = RuntimeError("first")
    break_later(backends, ONNX, RuntimeError("second"))
    break_later(backends, TORCH, RuntimeError("third"))
    with pytest.raises(ModelError) as error:
        generator.decode(*INPUTS)
    check_error(error, "OpenVINO failed (first)", "ONNX Runtime failed (second)", "PyTorch failed (third)")
    assert backends.open == [] and generator.info.backend == "PyTorch"
    assert generator.draft(*INPUTS) is None
    assert np.array_equal(generator.decode(*INPUTS), FakeBackend("openvino").decode(*INPUTS))
    assert (generator.info.backend, generator.info.note) == ("OpenVINO", "")


def test_a_lack_of_memory_has_a_hint_of_its_own(backends: FakeBackends) -> None:
    generator, inner = steady(backends, (OPENVINO, TORCH))
    inner.failure = MemoryError()
    backends.missing[TORCH] = MemoryError()
    with pytest.raises(ModelError) as error:
        generator.decode(*INPUTS)
    check_error(error, "ran out of memory", "Close other programs")


def test_nothing_works_from_the_start(backends: FakeBackends) -> None:
    for pair in CPU:
        backends.lack(pair)
    with pytest.raises(ModelError) as error:
        SteadyGenerator(backends.choice(known=("It rains",)))
    check_error(error, "No back end can run this model: It rains; OpenVINO cannot", "ONNX Runtime", "PyTorch", "Choose")


def test_without_another_one_the_failure_is_told_as_it_is(backends: FakeBackends) -> None:
    generator, inner = steady(backends, (TORCH,))
    inner.failure = KeyError("odd")
    with pytest.raises(KeyError, match="odd"):
        generator.decode(*INPUTS)
    inner.failure, inner.spoil = None, True
    with pytest.raises(ModelError) as error:
        generator.decode(*INPUTS)
    check_error(error, "not finite")
    inner.spoil = False
    assert np.array_equal(generator.decode(*INPUTS), FakeBackend("torch").decode(*INPUTS))
    assert backends.names == ["torch cpu"] and inner.closed == 0


# Cancelling


def test_cancelling_is_no_failure(backends: FakeBackends) -> None:
    generator, inner = steady(backends)
    inner.failure = inner.encode_failure = inner.draft_failure = CancelledError()
    with pytest.raises(CancelledError):
        generator.decode(*INPUTS)
    with pytest.raises(CancelledError):
        generator.encode(PORTRAIT.pixels, PORTRAIT.labels)
    with pytest.raises(CancelledError):
        generator.decode_styles(INPUTS[0], [INPUTS[1]], *INPUTS[2:])
    assert generator.info.backend == "OpenVINO" and inner.closed == 0 and backends.names == ["openvino cpu"]


def test_cancel_reaches_the_back_end_while_it_runs_and_only_then(backends: FakeBackends) -> None:
    generator, inner = steady(backends)
    generator.cancel()
    assert inner.cancelled == 0
    inner.during = generator.cancel
    generator.decode(*INPUTS)
    assert inner.cancelled == 1
    inner.during = lambda: None
    generator.decode(*INPUTS)


def test_what_fails_after_it_was_cancelled_is_not_repeated(backends: FakeBackends) -> None:
    generator, inner = steady(backends)
    inner.during = generator.cancel
    inner.failure = RuntimeError("interrupted in an odd way")
    with pytest.raises(CancelledError):
        generator.decode(*INPUTS)
    assert backends.names == ["openvino cpu"] and inner.closed == 0


def test_cancelling_while_the_next_one_is_loaded_ends_the_call_there(backends: FakeBackends) -> None:
    generator, inner = steady(backends)
    inner.failure = RuntimeError("boom")
    backends.set_up[ONNX] = lambda made: generator.cancel()
    with pytest.raises(CancelledError):
        generator.decode(*INPUTS)
    assert backends.open == ["onnx cpu"]
    decoded = backends.made[-1][1].decoded
    generator.decode(*INPUTS)
    assert backends.made[-1][1].decoded == decoded + 1 and generator.info.backend == "ONNX Runtime"


# Drafts that are not accurate enough


@pytest.mark.parametrize(("kind", "step"), [(FakeBackend, 0), (Without8Bits, 16)])
def test_refused_drafts_are_neither_announced_nor_made(
    backends: FakeBackends, kind: type[FakeBackend], step: int
) -> None:
    backends.kind, backends.drafts, backends.step = kind, "int8", 16
    remember(backends.weights, OPENVINO, Measurement(10, 5, 2, 34.0))
    generator, inner = steady(backends)
    assert (generator.info.drafts, generator.info.step) == ("", step)
    assert generator.draft(*INPUTS) is None
    box = Region(0, 0, 32, 32)
    assert (generator.draft(*INPUTS, box) is None) == (step == 0)
    assert inner.drafted == ([box] if step else [])
    assert generator.info.note == ""


# In a session


def test_a_session_goes_on_with_the_styles_it_has(backends: FakeBackends) -> None:
    generator, inner = steady(backends)
    session = Session(generator)
    session.open(PORTRAIT)
    labels = PORTRAIT.labels.copy()
    labels[20:40, 20:40] = 14
    before = session.render(RenderRequest(0, 1, labels)).image
    inner.failure = RuntimeError("boom")
    after = session.render(RenderRequest(0, 2, labels)).image
    assert before is not None and after is not None and np.array_equal(before, after)
    # The self-test's only: the portrait's style stays as it is.
    assert backends.made[-1][1].encoded == 1
    session.close()
    assert backends.open == []
