"""How the tools are set; remembered between runs. Knows nothing of Qt."""

from dataclasses import dataclass

BRUSH_SIZES = (1, 400)
"""The smallest and the largest brush, diameters in mask pixels."""


@dataclass(frozen=True)
class Options:
    """What the tools share and remember.

    Attributes
    ----------
    brush_size, restore_size, liquify_size
        Diameters in mask pixels, within `BRUSH_SIZES`: of the brush, the restore brush and the liquify brush.
    pressure
        Whether a pen's pressure sets the size.
    pressure_curve
        The exponent that pressure is raised to, 0.3 (soft) to 3 (hard); 1 is even.
    stabiliser
        How much the brush lags behind the hand to smooth its path, 0 (not at all) to 10.
    snap
        Whether brush, restore and lasso keep to the picture's edges.
    symmetric
        Whether what is done on one side of the face is done on the other side too.
    fill_all
        Whether a fill changes every region of the class under the cursor, or the connected one alone.
    replaced
        The id of the only class that fills and areas change; -1 for any.
    liquify_strength
        How far the liquify brush drags, 0.05..1 of the hand's way.
    warp
        Whether the transform tool shows a grid to bend, or a box to move, scale and rotate.
    """

    brush_size: int = 24
    restore_size: int = 32
    liquify_size: int = 64
    pressure: bool = True
    pressure_curve: float = 1.0
    stabiliser: int = 0
    snap: bool = False
    symmetric: bool = False
    fill_all: bool = False
    replaced: int = -1
    liquify_strength: float = 0.6
    warp: bool = False
