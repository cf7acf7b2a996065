"""The tool that fills regions."""

from app.tools.tool import Hand, Tool
from engine.mask.fills import Fill


class FillTool(Tool):
    """Fills the region under a click, or with `Options.fill_all` all regions of its class, with the painted class.

    With `Options.replaced` it fills regions of that class alone.
    """

    name = "fill"

    def press(self, hand: Hand) -> None:
        """Fill."""
        document, options = self.editor.document, self.studio.options
        if document is None:
            return
        height, width = document.labels.shape
        if not (0 <= hand.x < width and 0 <= hand.y < height):
            return
        if options.replaced in (-1, int(document.labels[int(hand.y), int(hand.x)])):
            self.editor.perform(Fill(self.studio.label, hand.x, hand.y, options.fill_all, self.studio.mirror))
