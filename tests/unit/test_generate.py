"""The choice of a back end, with stand-ins for all of them and with all three of a tiny network."""

import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine import choice, generate
from engine.generate import (
    BACKENDS,
    GENERATOR_BACKENDS,
    BackendUnavailableError,
    Generator,
    candidates,
    first_that_works,
    load_generator,
)
from engine.selftest import TOLERANCE, psnr, read_check, self_test
from engine.steady import SteadyGenerator
from engine.store import cache_folder, kept_graphs
from engine.tuning import LEAST_DRAFT_DB, MARGIN, Measurement, measurements, remember
from engine.types import ModelError, Region
from tests.backend_fakes import CPU, FakeBackends
from tests.fakes import check_error, make_portrait, tiny_weights

OPENVINO, ONNX, TORCH = CPU


def machine(monkeypatch: pytest.MonkeyPatch, driver: bool = False, system: str = "Linux", chip: str = "x86_64") -> None:
    monkeypatch.setattr(generate, "nvidia_driver", lambda: driver)
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: chip)


# Candidates


def names(*arguments: object) -> list[str]:
    return [" ".join(pair) for pair in candidates(*arguments)]  # type: ignore[arg-type]


def test_a_generator_runs_on_three_back_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    known = GENERATOR_BACKENDS
    assert {*known, "auto"} == set(BACKENDS)
    cpu = ["openvino cpu", "onnx cpu", "torch cpu"]
    assert names("auto", "auto", known) == names("auto", "cpu", known) == cpu
    assert names("auto", "cuda", known) == ["torch cuda", "onnx cuda", *cpu]
    assert names("auto", "mps", known) == ["torch mps", *cpu]
    for device in ("auto", "cpu", "cuda", "mps"):
        assert names("openvino", device, known) == ["openvino cpu"]
    machine(monkeypatch, driver=True)
    assert names("auto", "auto", known) == ["torch cuda", "onnx cuda", *cpu]
    machine(monkeypatch, system="Darwin", chip="arm64")
    assert names("auto", "auto", known) == ["torch mps", *cpu]


def test_the_face_search_does_not_know_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    assert names("auto", "auto") == ["onnx cpu", "torch cpu"]


@pytest.mark.parametrize(
    ("system", "chip", "there"),
    [
        ("Linux", "x86_64", True), ("Linux", "aarch64", True), ("Windows", "AMD64", True), ("Darwin", "arm64", True),
        ("Darwin", "x86_64", False), ("Windows", "ARM64", False),
    ],
)  # fmt: skip
def test_openvino_is_not_looked_for_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, system: str, chip: str, there: bool
) -> None:
    machine(monkeypatch, system=system, chip=chip)
    assert ("openvino cpu" in names("auto", "cpu", GENERATOR_BACKENDS)) == there
    # Who asks for it is told.
    assert names("openvino", "cpu", GENERATOR_BACKENDS) == ["openvino cpu"]


def test_the_first_that_works() -> None:
    def load(name: str, where: str, note: str) -> str:
        if name != "torch":
            raise BackendUnavailableError(f"no {name}")
        return f"{name} on {where}: {note}"

    assert first_that_works(CPU, load, "Failed", "Do.", ("It rains",)) == "torch on cpu: It rains; no openvino; no onnx"
    with pytest.raises(ModelError) as error:
        first_that_works(CPU[:2], load, "It failed", "Do something.")
    check_error(error, "It failed: no openvino; no onnx.")


# Loading, with stand-ins


@pytest.fixture
def backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBackends:
    made = FakeBackends(tmp_path)
    made.leave_graphs()
    for pair in CPU:
        remember(made.weights, pair, Measurement(10))
    machine(monkeypatch)

    def graphs(weights: Path, runtime: str, device: str, note: str = "", progress=lambda text: None) -> Generator:
        assert weights == made.weights.resolve()
        return made.load(runtime, device, progress)

    def torch(weights: Path, device: str) -> Generator:
        assert weights == made.weights.resolve()
        return made.load("torch", device, made.told.append)

    monkeypatch.setattr("engine.graph_generator.GraphGenerator", graphs)
    monkeypatch.setattr("engine.torch_backend.TorchGenerator", torch)
    return made


@pytest.mark.parametrize(
    ("backend", "device", "used", "note"),
    [
        ("auto", "auto", "openvino cpu", ""),
        ("auto", "cpu", "openvino cpu", ""),
        ("auto", "cuda", "torch cuda", ""),
        ("torch", "cpu", "torch cpu", ""),
        ("onnx", "auto", "onnx cpu", ""),
        ("onnx", "cuda", "onnx cuda", ""),
        ("onnx", "mps", "onnx cpu", "ONNX Runtime does not run on MPS"),
        ("openvino", "auto", "openvino cpu", ""),
        ("openvino", "cuda", "openvino cpu", "OpenVINO does not run on CUDA"),
        ("openvino", "mps", "openvino cpu", "OpenVINO does not run on MPS"),
    ],
)
def test_what_was_asked_for_is_loaded(backends: FakeBackends, backend, device, used: str, note: str) -> None:
    generator = load_generator(backends.weights, backend, device, backends.told.append)
    assert backends.names == [used] and generator.info.note == note
    assert backends.told == [f"loading {used.split()[0]}"]
    generator.close()


def test_each_failure_leads_to_the_next(backends: FakeBackends) -> None:
    backends.lack(("torch", "cuda"))
    backends.lack(("onnx", "cuda"))
    backends.set_up[OPENVINO] = lambda made: setattr(made, "spoil", True)
    generator = load_generator(backends.weights, "auto", "cuda")
    assert (generator.info.backend, generator.info.device) == ("ONNX Runtime", "CPU")
    assert generator.info.note == (
        "PyTorch cannot be imported; ONNX Runtime cannot be imported; "
        "OpenVINO returned numbers that are not finite in its self-test"
    )


def test_all_reasons_are_given(backends: FakeBackends) -> None:
    for pair in CPU:
        backends.lack(pair)
    with pytest.raises(ModelError) as error:
        load_generator(backends.weights)
    check_error(error, "OpenVINO cannot", "ONNX Runtime cannot", "PyTorch cannot")


# With a network


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights and, in ``cache``, what the first start makes of them."""
    folder = tmp_path_factory.mktemp("tiny")
    weights, told = tiny_weights(folder / "tiny.safetensors"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKBRUSH_CACHE_DIR", str(folder / "cache"))
        load_generator(weights, "auto", "cpu", told.append).close()
    assert told[0].startswith("Preparing") and told[-1].startswith("Measuring")
    return folder


@pytest.fixture
def weights(exported: Path) -> Path:
    shutil.copytree(exported / "cache", cache_folder(), dirs_exist_ok=True)
    return exported / "tiny.safetensors"


@pytest.fixture
def opened(weights: Path):
    made: list[Generator] = []

    def load(backend: str = "auto", progress: Callable[[str], None] = lambda text: None) -> SteadyGenerator:
        generator = load_generator(weights, backend, "cpu", progress)  # type: ignore[arg-type]
        assert isinstance(generator, SteadyGenerator)
        made.append(generator)
        return generator

    yield load
    for generator in made:
        generator.close()


def test_the_first_start_measures_and_the_second_does_not(
    opened: Callable[..., SteadyGenerator], weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = measurements(weights)
    assert set(known) == {OPENVINO, ONNX}
    assert known[OPENVINO].part_ms is not None and known[OPENVINO].draft_db is not None
    assert known[ONNX].part_ms is not None and known[ONNX].draft_db is None
    monkeypatch.setattr(choice, "measure", lambda *_: pytest.fail("measured again"))
    fastest = min(known, key=lambda pair: known[pair].felt_ms * (1 + MARGIN * (pair == ONNX)))
    generator = opened(progress=lambda text: pytest.fail(text))
    assert generator.info.backend == {OPENVINO: "OpenVINO", ONNX: "ONNX Runtime"}[fastest]
    assert generator.info.note == ""


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_each_passes_its_self_test_against_pytorch(
    opened: Callable[..., SteadyGenerator], weights: Path, backend: str
) -> None:
    check = read_check(kept_graphs(weights))
    assert check is not None
    self_test(opened(backend), check)


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_other_numbers_are_noticed_by_each(weights: Path, backend) -> None:
    check = read_check(kept_graphs(weights))
    assert check is not None
    arrays = {name: getattr(check, name) for name in ("labels", "pixels", "region", "style")}
    np.savez(kept_graphs(weights) / "check.npz", **arrays, render=np.ascontiguousarray(check.render[::-1]))
    with pytest.raises(ModelError, match="returned wrong numbers in its self-test"):
        load_generator(weights, backend, "cpu")


def test_another_back_end_goes_on_in_the_middle(opened: Callable[..., SteadyGenerator]) -> None:
    generator, portrait = opened(), make_portrait(64)
    region = np.ones((64, 64), np.float32)
    style = generator.encode(portrait.pixels, portrait.labels)
    before = generator.decode(portrait.labels, style, portrait.pixels, region)
    used = generator.info.backend
    for _ in range(2):
        current = generator._opened
        assert current is not None

        def fail(*_: object) -> None:
            raise RuntimeError("boom")

        current.generator.decode = fail  # type: ignore[method-assign,assignment]
        after = generator.decode(portrait.labels, style, portrait.pixels, region)
        np.testing.assert_allclose(after, before, atol=TOLERANCE)
        part = generator.draft(portrait.labels, style, portrait.pixels, region, Region(0, 0, 32, 32))
        assert part is not None and psnr(part[:16, :16], after[:16, :16]) > LEAST_DRAFT_DB
    assert generator.info.backend == "PyTorch"
    assert generator.info.note.startswith(f"{used} failed (boom); ")
    assert generator.info.model_id == style.model_id


def test_int8_is_refused_by_what_was_measured(opened: Callable[..., SteadyGenerator], weights: Path) -> None:
    portrait, region = make_portrait(64), np.ones((64, 64), np.float32)
    for decibels, good in ((20.0, False), (60.0, True)):
        remember(weights, OPENVINO, Measurement(10, 5, 2, decibels))
        generator = opened("openvino")
        assert (generator.info.drafts, generator.info.step) == ("int8" if good else "", 4)
        style = generator.encode(portrait.pixels, portrait.labels)
        generator.decode(portrait.labels, style, portrait.pixels, region)
        whole = generator.draft(portrait.labels, style, portrait.pixels, region)
        assert (whole is not None) == good
        assert generator.draft(portrait.labels, style, portrait.pixels, region, Region(0, 0, 32, 32)) is not None
