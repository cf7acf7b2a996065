"""How the mask is shown. Knows nothing of Qt."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Display:
    """Which classes are seen, and how.

    Attributes
    ----------
    hidden
        The ids of classes whose pixels show the picture instead, ascending.
    solo
        The id of the only class that is seen, whatever is hidden; -1 for none.
    outlined
        The ids of classes of which only the border is drawn, ascending.
    colour_blind_safe
        Whether the colours stay distinguishable with colour blindness; patterns then tell neighbours apart, too.
    """

    hidden: tuple[int, ...] = ()
    solo: int = -1
    outlined: tuple[int, ...] = ()
    colour_blind_safe: bool = False

    def shows(self, label: int) -> bool:
        """Whether a class is seen."""
        return label == self.solo if self.solo >= 0 else label not in self.hidden
