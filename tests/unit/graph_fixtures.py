"""Exported graphs of tiny networks, made once for all the tests that only look at them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import graph_generator, idle
from engine.graph_generator import GraphGenerator, Runtime
from models.checkpoints import save_generator
from models.config import GeneratorConfig
from models.export import export_generator
from models.quantize import calibrate_on
from models.synthetic import TINY
from tests.fakes import make_portrait
from tests.networks import random_network

CONFIGS = {"context": TINY, "published": GeneratorConfig(size=64, width=4, downsamplings=2, blocks=1)}
"""Group norm, zeros beyond the border and noise; instance norm, mirrored borders and neither."""


@pytest.fixture(scope="session", params=list(CONFIGS))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with weights and, in ``graphs``, what is exported of them; not to be written to."""
    folder = tmp_path_factory.mktemp(request.param)
    network = random_network(CONFIGS[request.param])
    save_generator(network, folder / "tiny.safetensors", "Tiny", half=False)
    portraits = [make_portrait(128, seed=seed) for seed in range(2)]
    quantization = calibrate_on(network, [(each.labels.copy(), each.pixels.copy()) for each in portraits], 2)
    export_generator(network, "Tiny", folder / "graphs", quantization)
    return folder


@pytest.fixture
def graphs(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This test's own copy of the graphs, which generators then use; nothing is prepared in idle moments."""
    shutil.copytree(model / "graphs", tmp_path / "graphs")
    monkeypatch.setattr(graph_generator, "prepared", lambda weights, progress: tmp_path / "graphs")
    monkeypatch.setattr(idle, "QUIET_S", 1e6)
    return tmp_path / "graphs"


@pytest.fixture
def opened(model: Path, graphs: Path) -> Iterator[Callable[[Runtime], GraphGenerator]]:
    """Open generators on this test's graphs."""
    made: list[GraphGenerator] = []

    def load(runtime: Runtime) -> GraphGenerator:
        made.append(GraphGenerator(model / "tiny.safetensors", runtime, "cpu", "a note"))
        return made[-1]

    yield load
    for generator in made:
        generator.close()
        generator.close()  # may be repeated
