"""Stand-ins for tests of drafts: times that are what the test says, whatever the machine."""

from engine.progress import SLOW_S, Kind, Times

FAST_S, LONG_S = SLOW_S / 2, SLOW_S * 5
"""Seconds of an exact render that is not felt, and of one that is."""


class SetTimes(Times):
    """Times that no measurement changes.

    Parameters
    ----------
    exact
        Seconds of an exact render; drafts take a tenth.
    """

    def __init__(self, exact: float = FAST_S) -> None:
        super().__init__()
        self.exact = exact

    def note(self, kind: Kind, seconds: float, share: float = 1.0) -> None:
        """Take no note."""

    def expected(self, kind: Kind, share: float = 1.0) -> float | None:
        """Return what was set."""
        return self.exact if kind == "exact" else self.exact / 10
