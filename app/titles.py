"""The names of steps, classes and changes of a face in the language of the interface.

The engine writes them in English. They stand here once more so that translators get to see them.
"""

from collections.abc import Sequence

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from resources.labels import LABELS

STEP_TITLES: tuple[str, ...] = (
    str(QT_TRANSLATE_NOOP("Step", "Paint {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Restore")),
    str(QT_TRANSLATE_NOOP("Step", "Fill with {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Fill area with {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Restore area")),
    str(QT_TRANSLATE_NOOP("Step", "Replace {0} by {1} in an area")),
    str(QT_TRANSLATE_NOOP("Step", "Replace {0} by {1}")),
    str(QT_TRANSLATE_NOOP("Step", "Revert region")),
    str(QT_TRANSLATE_NOOP("Step", "Move {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Transform {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Bend {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Liquify")),
    str(QT_TRANSLATE_NOOP("Step", "Grow {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Shrink {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Smooth {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Remove islands of {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Fill holes in {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Reset mask")),
    str(QT_TRANSLATE_NOOP("Step", "Load mask")),
    str(QT_TRANSLATE_NOOP("Step", "Carry over edits")),
    str(QT_TRANSLATE_NOOP("Step", "Earlier edits")),
    str(QT_TRANSLATE_NOOP("Step", "Smile {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Open mouth {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Lips {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Eye size {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Eyelids {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Brow thickness {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Brow height {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Brow slant {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Hair length {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Fringe {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Hair volume {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Face width {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Nose width {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Chin length {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Round glasses {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Rectangular glasses {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Cat-eye glasses {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Aviator glasses {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Remove glasses")),
    str(QT_TRANSLATE_NOOP("Step", "Woollen hat {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Cap {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Brimmed hat {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Remove hat")),
    str(QT_TRANSLATE_NOOP("Step", "Earrings {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Hoop earrings {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Remove earrings")),
    str(QT_TRANSLATE_NOOP("Step", "Necklace {0}")),
    str(QT_TRANSLATE_NOOP("Step", "Remove necklace")),
)
"""The templates of what steps are called in the history: see `engine.mask.steps.Step.title`."""

LABEL_TITLES: tuple[str, ...] = (
    str(QT_TRANSLATE_NOOP("Label", "Background")),
    str(QT_TRANSLATE_NOOP("Label", "Skin")),
    str(QT_TRANSLATE_NOOP("Label", "Nose")),
    str(QT_TRANSLATE_NOOP("Label", "Glasses")),
    str(QT_TRANSLATE_NOOP("Label", "Left eye")),
    str(QT_TRANSLATE_NOOP("Label", "Right eye")),
    str(QT_TRANSLATE_NOOP("Label", "Left brow")),
    str(QT_TRANSLATE_NOOP("Label", "Right brow")),
    str(QT_TRANSLATE_NOOP("Label", "Left ear")),
    str(QT_TRANSLATE_NOOP("Label", "Right ear")),
    str(QT_TRANSLATE_NOOP("Label", "Mouth")),
    str(QT_TRANSLATE_NOOP("Label", "Upper lip")),
    str(QT_TRANSLATE_NOOP("Label", "Lower lip")),
    str(QT_TRANSLATE_NOOP("Label", "Hair")),
    str(QT_TRANSLATE_NOOP("Label", "Hat")),
    str(QT_TRANSLATE_NOOP("Label", "Earring")),
    str(QT_TRANSLATE_NOOP("Label", "Necklace")),
    str(QT_TRANSLATE_NOOP("Label", "Neck")),
    str(QT_TRANSLATE_NOOP("Label", "Clothes")),
)
"""The names of the classes, by id."""

FACE_WORDS: tuple[str, ...] = (
    str(QT_TRANSLATE_NOOP("FaceAction", "Smile")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Mouth")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Frown")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Open mouth")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Closed")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Open")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Lips")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Thinner")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Fuller")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Eye size")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Eyes")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Smaller")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Larger")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Eyelids")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Wide open")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Brow thickness")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Brows")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Thicker")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Brow height")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Lower")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Higher")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Brow slant")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Worried")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Angry")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Hair length")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Hair")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Shorter")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Longer")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Fringe")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Less")),
    str(QT_TRANSLATE_NOOP("FaceAction", "More")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Hair volume")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Flatter")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Face width")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Face")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Slimmer")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Wider")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Nose width")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Narrower")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Chin length")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Round glasses")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Wear")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Small")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Large")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Rectangular glasses")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Cat-eye glasses")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Aviator glasses")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Remove glasses")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Woollen hat")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Cap")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Brimmed hat")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Narrow brim")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Wide brim")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Remove hat")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Earrings")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Studs")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Pendants")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Hoop earrings")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Remove earrings")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Necklace")),
    str(QT_TRANSLATE_NOOP("FaceAction", "High and thin")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Low and thick")),
    str(QT_TRANSLATE_NOOP("FaceAction", "Remove necklace")),
)
"""What changes of a face and their groups are called, and what the ends of their sliders mean."""

PROGRESS_TEXTS: tuple[str, ...] = (
    str(QT_TRANSLATE_NOOP("Progress", "Looking for faces…")),
    str(QT_TRANSLATE_NOOP("Progress", "Labelling the face…")),
    str(QT_TRANSLATE_NOOP("Progress", "Preparing the model for this computer (once)…")),
    str(QT_TRANSLATE_NOOP("Progress", "Measuring how fast this computer is (once)…")),
    str(QT_TRANSLATE_NOOP("Progress", "Preparing the face parser for this computer (once)…")),
    str(QT_TRANSLATE_NOOP("Progress", "Preparing the face locator for this computer (once)…")),
)
"""What the engine says while something takes long."""


def label_title(label: int) -> str:
    """Return a class's name, by its id."""
    return QCoreApplication.translate("Label", LABELS[label].title)


def face_word(text: str) -> str:
    """Return one of `FACE_WORDS` as it is shown."""
    return QCoreApplication.translate("FaceAction", text)


def progress_text(text: str) -> str:
    """Return one of `PROGRESS_TEXTS` as it is shown."""
    return QCoreApplication.translate("Progress", text)


def step_title(title: Sequence[str]) -> str:
    """Return what a step did, from the English template and the texts in its places: see `Step.title`."""
    template, *parts = title
    text = QCoreApplication.translate("Step", template)
    # A name without places may come from a file, and hold braces of its own.
    return text.format(*(QCoreApplication.translate("Label", part) for part in parts)) if parts else text
