"""An earlier step's render, to hold against the present one."""

from PySide6.QtCore import QObject, Signal

from app.document import Edit
from app.editor import Editor
from engine.types import EngineError, LabelMap, Pixels, RenderResult


class Comparison(QObject):
    """Renders the mask as it was after some step of the history, whenever that render is missing.

    Parameters
    ----------
    editor
        What is edited.

    Attributes
    ----------
    picture
        The step's render, in the frame that the editor shows; None while there is none.

    Signals
    -------
    changed()
        `picture` is new, or what is compared with is.
    """

    changed = Signal()

    def __init__(self, editor: Editor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.picture: Pixels | None = None
        self._editor = editor
        self._labels: LabelMap | None = None
        self._edit: Edit | None = None
        editor.portrait_changed.connect(self.stop)
        editor.history_changed.connect(self._check)
        for signal in (editor.frame_changed, editor.style_changed, editor.model_changed, editor.look_changed):
            signal.connect(self._render)

    @property
    def active(self) -> bool:
        """Whether a step is compared with."""
        return self._labels is not None

    @property
    def index(self) -> int:
        """How many edits were done at the step that is compared with; -1 for none, or if it is no longer known."""
        if self._labels is None:
            return -1
        if self._edit is None:
            return 0
        edits = self._editor.history.edits
        return next((place for place, edit in enumerate(edits, 1) if edit is self._edit), -1)

    def start(self, index: int) -> None:
        """Compare with the state in which ``index`` edits of the history are done; a negative one ends it."""
        editor = self._editor
        if index < 0 or editor.document is None:
            self.stop()
            return
        labels = editor.document.ground.labels
        self._labels = editor.history.labels_at(index, labels)
        self._edit = editor.history.edits[index - 1] if index else None
        self._render()

    def stop(self) -> None:
        """Compare no more."""
        if self._labels is not None:
            self._labels = self._edit = self.picture = None
            self.changed.emit()

    def _check(self) -> None:
        # A step that was undone and painted over is no longer in the list, nor are those given up for memory.
        if self.active and self.index < 0:
            self.stop()

    def _render(self) -> None:
        if self._labels is None:
            return
        labels = self._labels
        self.picture = None
        self.changed.emit()

        def rendered(result: RenderResult | None, error: EngineError | None) -> None:
            if labels is self._labels and result is not None and result.image is not None:
                self.picture = result.image
                self.changed.emit()

        self._editor.render_once(labels, rendered)
