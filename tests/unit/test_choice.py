from pathlib import Path

import pytest

from engine import choice as choice_module
from engine.choice import Choice, Opened
from engine.generate import BackendUnavailableError, Generator
from engine.store import cache_folder
from engine.torch_device import DeviceMemoryError
from engine.tuning import FILE, Measurement, measurements, remember
from engine.types import ModelError
from tests.backend_fakes import CPU, GPU, FakeBackend, FakeBackends, Without8Bits

OPENVINO, ONNX, TORCH = CPU
QUICK, SLOW = Measurement(10), Measurement(100)


@pytest.fixture
def backends(tmp_path: Path) -> FakeBackends:
    return FakeBackends(tmp_path)


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Measurement]:
    """What back ends are measured to take, by their titles; a test may change it. What was measured is in the list."""
    results = {"OpenVINO": QUICK, "ONNX Runtime": SLOW}

    def measure(generator: Generator, progress=lambda text: None) -> Measurement:
        progress("measuring")
        seen.append(generator.info.backend)
        return results[generator.info.backend]

    seen.clear()
    monkeypatch.setattr(choice_module, "measure", measure)
    return results


seen: list[str] = []


def names(opened: list[Opened]) -> list[str]:
    return [" ".join(each.pair) for each in opened]


def first(choice: Choice) -> Opened:
    return next(choice.walk())


# Order and measuring


def test_the_fastest_is_handed_out_and_the_others_are_closed(
    backends: FakeBackends, measured: dict[str, Measurement]
) -> None:
    opened = first(backends.choice(fastest=True))
    # What is likely to win is measured last, so that it need not be opened twice.
    assert (opened.pair, seen, backends.open) == (OPENVINO, ["ONNX Runtime", "OpenVINO"], ["openvino cpu"])
    assert backends.names == ["onnx cpu", "openvino cpu"]
    assert measurements(backends.weights) == {OPENVINO: QUICK, ONNX: SLOW}
    assert opened.generator is backends.made[-1][1]


def test_another_one_may_win(backends: FakeBackends, measured: dict[str, Measurement]) -> None:
    measured |= {"OpenVINO": SLOW, "ONNX Runtime": QUICK}
    choice = backends.choice(fastest=True)
    assert first(choice).pair == ONNX
    assert backends.open == ["onnx cpu"] and choice.reasons == []


def test_what_was_measured_is_remembered(backends: FakeBackends, measured: dict[str, Measurement]) -> None:
    measured |= {"OpenVINO": SLOW, "ONNX Runtime": QUICK}
    first(backends.choice(fastest=True))
    backends.made.clear()
    seen.clear()
    backends.told.clear()
    assert first(backends.choice(fastest=True)).pair == ONNX
    assert (seen, backends.names, backends.told) == ([], ["onnx cpu"], ["loading onnx"])


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 1, "entries": {"of another computer": {}}}'])
def test_what_cannot_be_used_is_measured_again(backends: FakeBackends, content: bytes) -> None:
    first(backends.choice(fastest=True))
    (cache_folder() / FILE).write_bytes(content)
    seen.clear()
    first(backends.choice(fastest=True))
    assert seen == ["ONNX Runtime", "OpenVINO"]


def test_what_was_asked_for_stays_first_and_is_measured_quietly(backends: FakeBackends) -> None:
    opened = first(backends.choice((ONNX,)))
    assert (opened.pair, seen, backends.told) == (ONNX, ["ONNX Runtime"], ["loading onnx"])
    remember(backends.weights, OPENVINO, QUICK)
    assert first(backends.choice((ONNX, OPENVINO))).pair == ONNX


def test_pytorch_is_not_measured(backends: FakeBackends) -> None:
    assert first(backends.choice((TORCH,))).pair == TORCH
    assert first(backends.choice((TORCH,), fastest=True)).pair == TORCH
    assert seen == [] and measurements(backends.weights) == {}


def test_the_cpu_is_not_measured_as_long_as_a_graphics_card_works(backends: FakeBackends) -> None:
    choice = backends.choice((*GPU, *CPU), fastest=True)
    assert first(choice).pair == GPU[0]
    assert seen == [] and backends.names == ["torch cuda"]


def test_all_are_opened_one_after_the_other(backends: FakeBackends) -> None:
    backends.leave_graphs()
    opened = list(backends.choice((*GPU, *CPU), fastest=True).walk())
    assert names(opened) == ["torch cuda", "onnx cuda", "openvino cpu", "onnx cpu", "torch cpu"]


def test_in_need_nothing_is_measured_or_told(backends: FakeBackends) -> None:
    backends.leave_graphs()
    remember(backends.weights, OPENVINO, SLOW)
    remember(backends.weights, ONNX, QUICK)
    walk = backends.choice((GPU[0], *CPU), fastest=True).walk()
    next(walk)
    backends.told.clear()
    assert names(list(walk)) == ["onnx cpu", "openvino cpu", "torch cpu"]
    assert (seen, backends.told) == ([], [])


def test_in_need_graphs_that_would_have_to_be_made_come_last(backends: FakeBackends) -> None:
    walk = backends.choice((GPU[0], *CPU), fastest=True).walk()
    next(walk)
    assert names(list(walk)) == ["torch cpu", "openvino cpu", "onnx cpu"]


# What cannot be used


def test_what_is_missing_is_passed_over_with_a_reason(backends: FakeBackends) -> None:
    backends.lack(OPENVINO)
    choice = backends.choice(fastest=True, known=("It rains",))
    assert first(choice).pair == ONNX
    assert choice.reasons == ["It rains", "OpenVINO cannot be imported"]


def test_what_would_not_have_been_used_anyway_is_not_told_of(backends: FakeBackends) -> None:
    backends.lack(ONNX)
    choice = backends.choice(fastest=True)
    walk = choice.walk()
    assert next(walk).pair == OPENVINO and choice.reasons == []
    assert next(walk).pair == TORCH and choice.reasons == ["ONNX Runtime cannot be imported"]
    assert next(walk, None) is None


def test_nothing_works(backends: FakeBackends) -> None:
    for pair in CPU:
        backends.lack(pair)
    choice = backends.choice(fastest=True)
    assert list(choice.walk()) == []
    assert sorted(choice.reasons) == [
        "ONNX Runtime cannot be imported", "OpenVINO cannot be imported", "PyTorch cannot be imported",
    ]  # fmt: skip


@pytest.mark.parametrize("fastest", [True, False])
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda made: setattr(made, "spoil", True), "OpenVINO returned numbers that are not finite in its self-test"),
        (lambda made: setattr(made, "shift", 0.1), "OpenVINO returned wrong numbers in its self-test"),
        (lambda made: setattr(made, "code_shift", 0.1), "OpenVINO returned wrong numbers in its self-test"),
        (lambda made: setattr(made, "failure", RuntimeError("boom")), "OpenVINO failed in its self-test (boom)"),
        (lambda made: setattr(made, "encode_failure", MemoryError()), "OpenVINO ran out of memory in its self-test"),
    ],
)
def test_what_fails_its_self_test_is_passed_over_and_closed(
    backends: FakeBackends, spoil, reason: str, fastest: bool
) -> None:
    backends.leave_check()
    backends.set_up[OPENVINO] = spoil
    choice = backends.choice(fastest=fastest)
    assert first(choice).pair == ONNX
    assert choice.reasons == [reason] and backends.open == ["onnx cpu"]
    # It is not measured: the next start tries it again.
    assert OPENVINO not in measurements(backends.weights)


def test_a_damaged_check_is_nobodys_fault(backends: FakeBackends) -> None:
    backends.leave_check()
    next(cache_folder().rglob("check.npz")).write_bytes(b"PK damaged")
    choice = backends.choice(fastest=True)
    assert first(choice).pair == OPENVINO and choice.reasons == []


def test_what_fails_when_it_is_measured_is_passed_over(backends: FakeBackends, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(generator: Generator, progress: object) -> Measurement:
        if generator.info.backend == "OpenVINO":
            raise BackendUnavailableError("OpenVINO failed when it was measured")
        return SLOW

    monkeypatch.setattr(choice_module, "measure", measure)
    choice = backends.choice(fastest=True)
    assert first(choice).pair == ONNX
    assert choice.reasons == ["OpenVINO failed when it was measured"] and backends.open == ["onnx cpu"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DeviceMemoryError(), "The graphics card has not enough memory for this model"),
        (MemoryError(), "there is not enough memory to load the model on CUDA"),
        (RuntimeError("odd\nindeed"), "the model cannot be loaded with torch (odd)"),
    ],
)
def test_what_loading_raises_means_the_next_one(backends: FakeBackends, error: Exception, reason: str) -> None:
    backends.missing[GPU[0]] = error
    choice = backends.choice((GPU[0], TORCH), fastest=True)
    assert first(choice).pair == TORCH and choice.reasons == [reason]


def test_weights_that_cannot_be_used_end_it(backends: FakeBackends) -> None:
    backends.missing[OPENVINO] = ModelError("Not a model.", "Choose one.")
    for fastest in (True, False):
        with pytest.raises(ModelError, match="Not a model"):
            first(backends.choice(fastest=fastest))
        assert backends.open == []


def test_reasons_are_told_once_and_forgotten_when_all_starts_again(backends: FakeBackends) -> None:
    backends.leave_graphs()
    backends.lack(OPENVINO)
    choice = backends.choice(known=("It rains",))
    walk = choice.walk()
    next(walk)
    choice.note("ONNX Runtime failed")
    choice.note("ONNX Runtime failed")
    assert choice.reasons == ["It rains", "OpenVINO cannot be imported", "ONNX Runtime failed"]
    next(choice.walk())
    assert choice.reasons == ["It rains", "OpenVINO cannot be imported"]


def test_a_device_can_be_avoided(backends: FakeBackends) -> None:
    choice = backends.choice((*GPU, TORCH))
    walk = choice.walk()
    assert next(walk).pair == GPU[0]
    choice.avoid("cuda")
    assert names(list(walk)) == ["torch cpu"]
    assert next(choice.walk()).pair == GPU[0]


# Drafts


@pytest.mark.parametrize(("decibels", "good"), [(35.0, True), (34.9, False)])
def test_inaccurate_int8_is_refused_now_and_later(
    backends: FakeBackends, measured: dict[str, Measurement], decibels: float, good: bool
) -> None:
    backends.drafts, backends.step = "int8", 16
    measured["OpenVINO"] = measured["ONNX Runtime"] = Measurement(10, 5, 2, decibels)
    for _ in range(2):
        opened = first(backends.choice(fastest=True))
        assert (opened.drafts, opened.parts) == (good, good)
    assert len(seen) == 2
    assert measurements(backends.weights)[OPENVINO].draft_db == decibels


def test_parts_go_on_in_float32(backends: FakeBackends, measured: dict[str, Measurement]) -> None:
    backends.kind, backends.drafts = Without8Bits, "int8"
    measured["OpenVINO"] = Measurement(10, 5, 2, 20.0)
    for _ in range(2):
        opened = first(backends.choice((OPENVINO,)))
        assert (opened.drafts, opened.parts) == (False, True)
        assert isinstance(opened.generator, Without8Bits) and opened.generator.refused == 1
    measured["OpenVINO"] = Measurement(10, 5, 2, 50.0)
    (cache_folder() / FILE).unlink()
    opened = first(backends.choice((OPENVINO,)))
    assert isinstance(opened.generator, Without8Bits) and opened.generator.refused == 0


def test_drafts_that_have_come_since_are_measured(backends: FakeBackends, measured: dict[str, Measurement]) -> None:
    first(backends.choice((OPENVINO,)))
    backends.drafts = "int8"
    measured["OpenVINO"] = Measurement(10, 5, None, 40.0)
    assert first(backends.choice((OPENVINO,))).drafts
    assert first(backends.choice((OPENVINO,))).drafts
    assert len(seen) == 2


def test_drafts_of_which_nothing_is_known_are_refused(backends: FakeBackends, monkeypatch: pytest.MonkeyPatch) -> None:
    backends.leave_graphs()
    backends.drafts = "int8"
    monkeypatch.setattr(choice_module, "measure", lambda generator, progress: None)
    assert not first(backends.choice((OPENVINO,))).drafts
    assert measurements(backends.weights) == {}
    walk = backends.choice((GPU[1], OPENVINO)).walk()
    assert not next(walk).drafts and not next(walk).drafts


def test_exact_only_back_ends_lose_nothing(backends: FakeBackends) -> None:
    made = first(backends.choice((TORCH,)))
    assert made.drafts and made.parts and isinstance(made.generator, FakeBackend)
