"""Values of command lines: what is taken, and what is said of what is not."""

import argparse
from collections.abc import Callable

import pytest

from models.options import positive, share, whole


@pytest.mark.parametrize(
    ("read", "text", "value"), [(positive, "1", 1), (whole, "0", 0), (share, "1", 1.0), (share, "0.25", 0.25)]
)
def test_what_is_in_range_is_taken(read: Callable[[str], float], text: str, value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [(positive, "0"), (positive, "-3"), (positive, "1.5"), (positive, "many"), (whole, "-1"), (whole, ""),
     (share, "0"), (share, "1.1"), (share, "-1"), (share, "nan"), (share, "half")],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_wanted(read: Callable[[str], float], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"'.*' is not a (whole )?number"):
        read(text)
