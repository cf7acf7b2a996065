"""What several unit tests share."""

import numpy as np
import pytest

from tests.fakes import make_portrait


@pytest.fixture
def picture() -> np.ndarray:
    return make_portrait((80, 60)).pixels.copy()
