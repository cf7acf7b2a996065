"""The language of the interface: Qt's translation files, ours and Qt's own."""

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QLibraryInfo, QLocale, QTranslator

from resources import RESOURCES

FOLDER = RESOURCES / "translations"
"""Where our translations lie: ``maskbrush_<language>.ts`` and what is compiled of them, ``.qm``."""

QT_TEXTS: tuple[str, ...] = (
    str(QT_TRANSLATE_NOOP("QAbstractFileIconProvider", "Drive")),
    str(QT_TRANSLATE_NOOP("QAbstractFileIconProvider", "Folder")),
    str(QT_TRANSLATE_NOOP("QFileDialog", "&Look in:")),
    str(QT_TRANSLATE_NOOP("QFileDialog", "Files of &type:")),
    str(QT_TRANSLATE_NOOP("QKeySequenceEdit", "Press shortcut")),
)
"""Qt's own texts that its translations leave out, or get wrong."""


def install_translations(application: QCoreApplication, language: str = "system") -> QLocale:
    """Translate the application, as far as there is a translation; call it before any widget is made.

    Parameters
    ----------
    application
        What is translated. Translations that were installed before are taken off.
    language
        A locale's name, such as ``"zh_CN"``; ``"system"`` for the system's.

    Returns
    -------
    QLocale
        The locale that is in use from now on, for numbers and dates too.
    """
    for present in application.findChildren(QTranslator):
        application.removeTranslator(present)
        present.deleteLater()
    locale = QLocale.system() if language == "system" else QLocale(language)
    QLocale.setDefault(locale)
    # English is what the program is written in: another of the system's languages must not take its place.
    if locale.language() == QLocale.Language.English:
        return locale
    ours, qts = QTranslator(application), QTranslator(application)
    # Without ours, Qt's few words would stand between English ones.
    if ours.load(locale, "maskbrush", "_", str(FOLDER)):
        if qts.load(locale, "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
            application.installTranslator(qts)
        # The last one is asked first.
        application.installTranslator(ours)
    return locale
