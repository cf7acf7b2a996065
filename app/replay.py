"""Doing a project's edit list again, from the source mask on, without a window or a network."""

from app.project import Project
from engine.mask.steps import Ground, done
from engine.types import LabelMap


def replay(project: Project) -> LabelMap:
    """Return the mask, uint8 (H, W), that a project's edits make of its source mask.

    It equals `Project.labels`, unless the file was tampered with, or the steps of another version do something else.
    """
    portrait = project.portrait
    labels = portrait.labels
    for entry in (*project.dropped, *(edit.entry for edit in project.edits[: project.index])):
        labels = done(Ground(labels, portrait.labels, portrait.view), entry)
    return labels.copy()
