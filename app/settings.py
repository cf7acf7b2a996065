"""What the editor remembers between runs, as JSON in the user's settings folder."""

import json
import os
import tempfile
import warnings
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from engine.generate import BACKENDS, DEVICES, Backend, Device

RECENT = 10
"""How many photos are remembered."""


@dataclass(frozen=True)
class Settings:
    """Settings and their defaults.

    Attributes
    ----------
    backend, device
        What runs the model; ``"auto"`` chooses.
    weights
        The weight file; empty for the one that comes with Maskbrush.
    parser
        The face parser's weight file; empty for the one that comes with Maskbrush.
    label
        The class painted with, 0..18.
    brush_size
        Diameter in mask pixels.
    mask_opacity
        0 (only the source shows) to 1 (only the mask).
    only_edit
        Whether only what was edited replaces the source.
    colour_blind_safe
        Whether the classes are shown in colours that stay distinguishable with colour blindness.
    quality
        Of exported JPEG and WebP files, 1 to 100.
    recent
        The photos opened last, the newest first.
    folder
        Where the last file dialog was.
    geometry
        The window's place and size, as Qt saves it, base64.
    """

    backend: Backend = "auto"
    device: Device = "auto"
    weights: str = ""
    parser: str = ""
    label: int = 13
    brush_size: int = 24
    mask_opacity: float = 0.6
    only_edit: bool = True
    colour_blind_safe: bool = False
    quality: int = 95
    recent: tuple[str, ...] = ()
    folder: str = ""
    geometry: str = ""


_VALID: dict[str, Any] = {
    "backend": lambda value: value in BACKENDS,
    "device": lambda value: value in DEVICES,
    "label": lambda value: 0 <= value <= 18,
    "brush_size": lambda value: 1 <= value <= 400,
    "mask_opacity": lambda value: 0 <= value <= 1,
    "quality": lambda value: 1 <= value <= 100,
    "recent": lambda value: len(value) <= RECENT and all(isinstance(path, str) for path in value),
}


def settings_path() -> Path:
    """Return the settings file; ``MASKBRUSH_SETTINGS_DIR`` overrides its folder."""
    if override := os.environ.get("MASKBRUSH_SETTINGS_DIR"):
        return Path(override) / "settings.json"
    from platformdirs import user_config_path

    return user_config_path("maskbrush", appauthor=False) / "settings.json"


def load_settings() -> Settings:
    """Read the settings; what is missing or wrong falls back to its default, with a warning if it is wrong."""
    path, defaults = settings_path(), Settings()
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(stored, dict):
            raise ValueError("not a table")
    except FileNotFoundError:
        return defaults
    except (OSError, ValueError) as error:
        warnings.warn(f"{path} cannot be read ({error}); the defaults are used.", stacklevel=2)
        return defaults
    values: dict[str, Any] = {}
    for field in fields(Settings):
        if field.name not in stored:
            continue
        value, default = stored[field.name], getattr(defaults, field.name)
        if isinstance(default, tuple) and isinstance(value, list):
            value = tuple(value)  # JSON knows lists only
        kind = (int, float) if isinstance(default, float) else type(default)
        right_kind = isinstance(value, kind) and isinstance(value, bool) == isinstance(default, bool)
        if right_kind and _VALID.get(field.name, lambda value: True)(value):
            values[field.name] = value
        else:
            warnings.warn(f"{path}: {field.name} = {value!r} is not valid; {default!r} is used.", stacklevel=2)
    return Settings(**values)


def save_settings(settings: Settings) -> None:
    """Write the settings, replacing the file only once the new one is whole.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".saving-") as folder:
        part = Path(folder) / path.name
        part.write_text(json.dumps(asdict(settings), indent=2), encoding="utf-8")
        part.replace(path)
