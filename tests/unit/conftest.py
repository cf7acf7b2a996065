"""What several unit tests share."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fakes import make_portrait
from tests.unit.graph_fixtures import graphs, model, opened

__all__ = ["graphs", "model", "opened"]


@pytest.fixture
def picture() -> np.ndarray:
    return make_portrait((80, 60)).pixels.copy()


@pytest.fixture(scope="module")
def one_core() -> Iterator[None]:
    """Compute on one core of the CPU: threads that wait for each other cost more than they gain on tiny networks."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one for photos and one for what is made of them."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    return tmp_path
