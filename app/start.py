"""Opening the window."""

import os
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.editor import Editor
from app.settings import Settings, load_settings
from app.theme import apply_theme
from app.translation import install_translations
from app.window import SAMPLE, MainWindow
from engine.generate import Backend, Device


def application(scheme: str = "system", language: str = "en") -> QApplication:
    """Return the one application object, in a theme and a language: see `apply_theme` and `install_translations`."""
    present = QApplication.instance()
    app = present if isinstance(present, QApplication) else QApplication(sys.argv[:1])
    # A thread that computes in Python hands over to the hand's events after a tenth of a millisecond, not after five.
    sys.setswitchinterval(0.0001)
    app.setApplicationName("Maskbrush")
    app.setDesktopFileName("maskbrush")
    install_translations(app, language)
    apply_theme(app, scheme)
    return app


def open_window(
    photo: Path | None = None,
    mask: Path | None = None,
    model: Path | None = None,
    backend: Backend | None = None,
    device: Device | None = None,
    settings: Settings | None = None,
) -> MainWindow:
    """Show the window, then start to load the portrait and the model in the background.

    Parameters
    ----------
    photo, mask
        What to open; the sample portrait by default.
    model, backend, device
        In place of the settings' ones, for this run.
    settings
        In place of the user's, which are then neither read nor written.
    """
    flags = {"weights": str(model) if model else None, "backend": backend, "device": device}
    given = {name: value for name, value in flags.items() if value}
    window = MainWindow(Editor(), settings or load_settings(), given, remember=settings is None)
    window.show()
    # The first frame is on the screen before anything heavy is imported.
    QTimer.singleShot(0, lambda: window.commands.open_photo(photo or SAMPLE, mask))
    QTimer.singleShot(0, window.load_model)
    if settings is None:
        QTimer.singleShot(0, window.commands.recovery.offer)
    return window


def run_window(
    photo: Path | None, mask: Path | None, model: Path | None, backend: Backend | None, device: Device | None
) -> int:
    """Open the window and stay until it is closed."""
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not display:
        print("There is no display. Use 'python -m app demo' or 'python -m app render'.", file=sys.stderr)
        return 1
    settings = load_settings()
    app = application(settings.theme, settings.language)
    window = open_window(photo, mask, model, backend, device)
    # Ctrl-C in the terminal closes the window as its button does; the timer lets Python see the signal.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    pulse = QTimer(interval=250)
    pulse.timeout.connect(lambda: None)
    pulse.start()
    return app.exec()
