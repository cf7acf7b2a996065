"""Imports the modules of all kinds of steps, so that each is known by its name."""

from engine.mask import face_actions, fills, liquify, morph, strokes, transform, written

__all__ = ["face_actions", "fills", "liquify", "morph", "strokes", "transform", "written"]
