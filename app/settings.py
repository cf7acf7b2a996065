"""What the editor remembers between runs, as JSON in the user's settings folder."""

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from app.tools.options import BRUSH_SIZES, Options
from engine.generate import BACKENDS, DEVICES, Backend, Device

RECENT = 10
"""How many photos are remembered."""

SCHEMES = ("system", "dark", "light")
"""The themes."""

LANGUAGES = ("system", "en", "zh_CN")
"""The languages of the interface; English is what the program is written in."""

TOOLS = (
    "brush", "restore", "fill", "rectangle", "ellipse", "lasso", "polygon", "eyedropper", "transform", "liquify",
)  # fmt: skip
"""The tools, by name, in the order in which they are offered."""


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
    tool
        The tool that is held: one of `TOOLS`.
    tools
        How the tools are set.
    mask_opacity
        0 (only the source shows) to 1 (only the mask).
    only_edit
        Whether only what was edited replaces the source.
    colour_blind_safe
        Whether the classes are shown in colours that stay distinguishable with colour blindness.
    layout
        How many pictures are side by side, 1..3.
    panel
        The page of the panel on the right that is open, from 0; -1 where the panel is hidden.
    minimap
        Whether a zoomed view shows where it is.
    undo_megabytes
        The memory that the history may take.
    theme
        One of `SCHEMES`.
    language
        One of `LANGUAGES`.
    shortcuts
        The keys that a person chose, in Qt's portable text, by the names of the actions.
    commands
        The names of the actions that were found by searching, the newest first.
    quality
        Of exported JPEG and WebP files, 1 to 100.
    recent
        The photos opened last, the newest first.
    folder
        Where the last file dialog was.
    geometry, columns
        The window's place and size, and how wide its columns are, as Qt saves them, base64.
    """

    backend: Backend = "auto"
    device: Device = "auto"
    weights: str = ""
    parser: str = ""
    label: int = 13
    tool: str = "brush"
    tools: Options = field(default_factory=Options)
    mask_opacity: float = 0.6
    only_edit: bool = True
    colour_blind_safe: bool = False
    layout: int = 3
    panel: int = 0
    minimap: bool = True
    undo_megabytes: int = 256
    theme: str = "system"
    language: str = "system"
    shortcuts: dict[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    quality: int = 95
    recent: tuple[str, ...] = ()
    folder: str = ""
    geometry: str = ""
    columns: str = ""


_VALID: dict[str, Callable[[Any], bool]] = {
    "backend": lambda value: value in BACKENDS,
    "device": lambda value: value in DEVICES,
    "label": lambda value: 0 <= value <= 18,
    "tool": lambda value: value in TOOLS,
    "layout": lambda value: 1 <= value <= 3,
    "panel": lambda value: -1 <= value <= 9,
    "undo_megabytes": lambda value: 1 <= value <= 65536,
    "theme": lambda value: value in SCHEMES,
    "language": lambda value: value in LANGUAGES,
    "shortcuts": lambda value: all(isinstance(keys, str) for keys in value.values()),
    "mask_opacity": lambda value: 0 <= value <= 1,
    "quality": lambda value: 1 <= value <= 100,
    "recent": lambda value: len(value) <= RECENT and all(isinstance(path, str) for path in value),
    "commands": lambda value: all(isinstance(name, str) for name in value),
    "brush_size": lambda value: BRUSH_SIZES[0] <= value <= BRUSH_SIZES[1],
    "restore_size": lambda value: BRUSH_SIZES[0] <= value <= BRUSH_SIZES[1],
    "liquify_size": lambda value: BRUSH_SIZES[0] <= value <= BRUSH_SIZES[1],
    "pressure_curve": lambda value: 0.3 <= value <= 3,
    "stabiliser": lambda value: 0 <= value <= 10,
    "replaced": lambda value: -1 <= value <= 18,
    "liquify_strength": lambda value: 0.05 <= value <= 1,
}
"""What holds for a setting besides its type, by its name."""


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
    return _read(defaults, stored, path)


def _read(defaults: Any, stored: Mapping[str, Any], path: Path) -> Any:
    """Return a dataclass with what is stored for its fields, where that is valid."""
    values: dict[str, Any] = {}
    for each in fields(defaults):
        if each.name not in stored:
            continue
        value, default = stored[each.name], getattr(defaults, each.name)
        if is_dataclass(default) and isinstance(value, dict):
            values[each.name] = _read(default, value, path)
            continue
        if isinstance(default, tuple) and isinstance(value, list):
            value = tuple(value)  # JSON knows lists only
        kind = (int, float) if isinstance(default, float) else type(default)
        right_kind = isinstance(value, kind) and isinstance(value, bool) == isinstance(default, bool)
        if right_kind and _VALID.get(each.name, lambda value: True)(value):
            values[each.name] = value
        else:
            warnings.warn(f"{path}: {each.name} = {value!r} is not valid; {default!r} is used.", stacklevel=3)
    return type(defaults)(**values)


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
