import ast
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, Qt, QTranslator
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QMenu, QWidget

from app.align_page import AlignPage
from app.editor import Editor
from app.recovery import RecoveryDialog
from app.settings import LANGUAGES, Settings
from app.titles import LABEL_TITLES, PROGRESS_TEXTS, progress_text, step_title
from app.translation import FOLDER, install_translations
from app.window import MainWindow
from engine.mask.face_actions import FaceAction
from tests.fakes import FakeGenerator, make_portrait
from tests.gui.conftest import settle, stroke

ROOT = Path(__file__).parents[2]
SOURCE, COMPILED = FOLDER / "maskbrush_zh_CN.ts", FOLDER / "maskbrush_zh_CN.qm"

FOREIGN = {
    "Alt", "Apple", "CPU", "CUDA", "Ctrl", "Del", "Delete", "English", "Enter", "Esc", "GPU", "MB", "MPS", "Maskbrush",
    "NVIDIA", "ONNX", "OpenVINO", "PyTorch", "Runtime", "Shift", "ada",
}  # fmt: skip
"""Names and keys, which are the same in every language, and the portrait's name."""

Key = tuple[str, str]


def entries(path: Path) -> dict[Key, str]:
    """Return the finished translations of a .ts file, by context and source text."""
    found: dict[Key, str] = {}
    for context in ElementTree.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            assert translation is not None
            key = (context.findtext("name", ""), message.findtext("source", ""))
            assert key not in found
            assert translation.get("type") is None, f"{key} is {translation.get('type')}"
            found[key] = translation.text or ""
    return found


@pytest.fixture(scope="module")
def translations() -> dict[Key, str]:
    return entries(SOURCE)


def run_tool(name: str, *arguments: str | Path) -> None:
    program = shutil.which(f"pyside6-{name}", path=sysconfig.get_path("scripts"))
    assert program is not None
    subprocess.run([program, *map(str, arguments)], cwd=ROOT, check=True, capture_output=True)


# The files


def test_every_text_is_translated(translations):
    assert len(translations) > 500
    assert not [key for key, text in translations.items() if not text.strip()]


def test_the_file_has_the_texts_of_the_source(tmp_path):
    copy = tmp_path / SOURCE.name
    shutil.copy(SOURCE, copy)
    run_tool("lupdate", "-extensions", "py", "-locations", "none", "-no-obsolete", "app", "-ts", copy)
    assert entries(copy) == entries(SOURCE), "run `make translations`, then translate what is new"


def test_the_compiled_file_is_made_of_the_source_file(tmp_path, translations):
    fresh, shipped = QTranslator(), QTranslator()
    run_tool("lrelease", SOURCE, "-qm", tmp_path / "fresh.qm")
    assert fresh.load(str(tmp_path / "fresh.qm")) and shipped.load(str(COMPILED))
    for (context, source), text in translations.items():
        assert fresh.translate(context, source) == shipped.translate(context, source) == text
    # A text that is gone from the one must not live on in the other.
    assert (tmp_path / "fresh.qm").stat().st_size == COMPILED.stat().st_size


def test_places_for_values_are_kept(translations):
    for (_, source), text in translations.items():
        assert sorted(re.findall(r"\{\d*\}", source)) == sorted(re.findall(r"\{\d*\}", text)), source
        assert source.count("\n") == text.count("\n"), source
        assert source.endswith("…") == text.endswith("…"), source
        assert re.findall("<.*?>", source) == re.findall("<.*?>", text), source
        assert [source.startswith(" "), source.endswith(" ")] == [text.startswith(" "), text.endswith(" ")], source


def test_keys_of_menus_stay_the_same(translations):
    for (_, source), text in translations.items():
        assert [key.upper() for key in re.findall("&(.)", source)] == re.findall("&(.)", text), source


def test_what_the_engine_says_is_among_the_texts():
    said = list(_progress_calls())
    assert said
    for pattern in said:
        assert any(pattern.fullmatch(text) for text in PROGRESS_TEXTS), pattern
    for text in PROGRESS_TEXTS:
        assert any(pattern.fullmatch(text) for pattern in said), text


def _progress_calls() -> Iterator[re.Pattern[str]]:
    """Yield what the engine tells as progress, with any words for what is filled in."""
    for file in (ROOT / "engine").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "progress":
                text = node.args[0]
                if not isinstance(text, ast.Constant | ast.JoinedStr):
                    continue  # handed on
                parts = text.values if isinstance(text, ast.JoinedStr) else [text]
                fixed = [part.value if isinstance(part, ast.Constant) else None for part in parts]
                yield re.compile("".join(re.escape(part) if isinstance(part, str) else r"[\w ]+" for part in fixed))


# The application


@pytest.fixture
def language(qapp):
    """Install translations; whatever they are, the other tests are in English again."""
    before = QLocale()
    yield lambda name: install_translations(qapp, name)
    install_translations(qapp, "en")
    QLocale.setDefault(before)


@pytest.fixture
def open_window(qtbot, language, reader):
    """Open windows with an edited portrait, in a language."""
    windows: list[MainWindow] = []

    def open_one(name: str) -> MainWindow:
        language(name)
        window = MainWindow(Editor(make_reader=reader), Settings())
        windows.append(window)
        window.resize(1400, 800)
        window.show()
        window.editor.load_model(lambda progress: FakeGenerator())
        window.editor.edit_portrait(make_portrait(256, "ada", mask_size=(512, 512)))
        settle(qtbot, window)
        for step in (stroke(13, 12, (100, 100), (150, 120)), FaceAction("smile", 0.5)):
            window.editor.begin_step(step)
            window.editor.end_step()
        settle(qtbot, window)
        return window

    yield open_one
    reader.let_go()
    for window in windows:
        window.editor.forget_unsaved()
        window.close()
        window.deleteLater()


def menus(window: MainWindow) -> Iterator[tuple[str, list[QAction]]]:
    """Yield the menu bar and each menu below it: its title and its actions."""
    todo: list[tuple[str, list[QAction]]] = [("", window.menuBar().actions())]
    while todo:
        title, actions = todo.pop()
        yield title, actions
        for action in actions:
            menu = action.menu()
            if isinstance(menu, QMenu):
                todo.append((menu.title(), menu.actions()))


@pytest.mark.parametrize("name", ["en", "zh_CN"])
def test_each_key_of_a_menu_is_for_one_entry(open_window, name):
    window = open_window(name)
    for title, actions in menus(window):
        keys = [QKeySequence.mnemonic(action.text()).toString() for action in actions]
        keys = [key for key in keys if key]
        assert len(keys) == len(set(keys)), (title, sorted(keys))


def shown_texts(root: QWidget) -> Iterator[tuple[str, str]]:
    """Yield all that a widget, what is in it, and its actions say, with where."""
    for widget in (root, *root.findChildren(QWidget)):
        name = type(widget).__name__
        for ask in ("text", "title", "placeholderText", "currentText", "suffix"):
            getter = getattr(widget, ask, None)
            if callable(getter):
                yield name, str(getter())
        yield from ((name, text) for text in (widget.toolTip(), widget.accessibleName(), widget.windowTitle()))
        yield name, widget.accessibleDescription()
    for action in root.findChildren(QAction):
        yield from ((action.objectName(), text) for text in (action.text(), action.toolTip(), action.iconText()))


def english_in(root: QWidget) -> list[tuple[str, str]]:
    """Return what has words that are neither Chinese nor `FOREIGN`."""
    return [(where, text) for where, text in shown_texts(root) if set(re.findall("[A-Za-z]{2,}", text)) - FOREIGN]


def test_a_window_is_all_in_chinese(open_window):
    window = open_window("zh_CN")
    # What the engine tells of the generator stays as it is, and so do the names of what took how long.
    window.status.engine.clear()
    window.status.engine.setToolTip("")
    window.status.timing.setToolTip("")
    assert english_in(window) == []


def test_parts_of_a_chinese_window(open_window):
    window = open_window("zh_CN")
    assert [action.text() for action in window.menuBar().actions()] == [
        "文件(&F)", "编辑(&E)", "工具(&T)", "类别(&C)", "视图(&V)", "风格(&S)", "模型(&M)", "帮助(&H)",
    ]  # fmt: skip
    classes, options = window.workspace.classes.view.model(), window.workspace.options
    assert [classes.index(row, 0).data() for row in (0, 10, 18)] == ["背景", "口腔", "衣服"]
    assert [action.text() for action in window.actions_.studio.tools.values()][:3] == [
        "画笔(&B)",
        "还原画笔(&R)",
        "填充(&F)",
    ]
    assert [options.snap.text(), options.replaced.itemText(0), options.replaced.itemText(1)] == [
        "贴合边缘",
        "任何类别",
        "背景",
    ]
    assert [window.workspace.panels.tabText(index) for index in range(3)] == ["脸部", "形状", "历史"]
    model = window.workspace.history.model
    assert [model.title(row) for row in range(3)] == ["原始状态", "绘制头发", "微笑 +50 %"]
    assert window.actions_.undo.text() == "撤销微笑 +50 %(&U)"
    assert window.actions_.undo.toolTip().startswith("撤销: 微笑 +50 %")
    assert window.status.timing.text().startswith("渲染用时")


def test_names_without_keys_for_the_menu_are_shown_outside_of_menus(open_window):
    window = open_window("zh_CN")
    for action in (action for action in window.findChildren(QAction) if action.objectName()):
        assert not re.search(r"&|\([A-Z]\)", action.iconText()), action.iconText()
    assert window.actions_.studio.fit.iconText() == "适合窗口"
    assert window.actions_.paste.toolTip() == "粘贴图片 (Ctrl+V)"
    assert window.page.wipe_button.accessibleName() == "编辑前后对比"


def test_texts_of_a_base_class_are_translated_in_others(open_window):
    window = open_window("zh_CN")
    assert window.canvas.tr("Rendering…") == "正在渲染…"
    assert window.workspace.box.tools["liquify"].tr("{0} px") == "{0} 像素"
    assert window.questions.page.photo.tr("Mouth") == "嘴"


def test_dialogs_and_qts_own_texts(qtbot, language):
    language("zh_CN")
    page, recovery, files = AlignPage(), RecoveryDialog([]), QFileDialog()
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
    files.setOption(QFileDialog.Option.DontUseNativeDialog)
    for widget in (page, recovery, buttons, files):
        qtbot.addWidget(widget)
    assert english_in(page) == english_in(recovery) == []
    assert {button.text() for button in buttons.buttons()} == {"确定", "取消"}
    assert files.labelText(QFileDialog.DialogLabel.FileType).startswith("文件类型")
    assert QKeySequence(Qt.Key.Key_Space).toString(QKeySequence.SequenceFormat.NativeText) == "空格"


def test_titles(language):
    language("zh_CN")
    assert step_title(("Replace {0} by {1}", "Hair", "Hat")) == "将头发替换为帽子"
    assert progress_text("Looking for faces…") == "正在查找人脸…"
    assert QCoreApplication.translate("Label", LABEL_TITLES[1]) == "皮肤"
    # What is not known stays as it is.
    assert step_title(("My {0} step",)) == "My {0} step" and progress_text("Thinking…") == "Thinking…"


def test_english_stays_english(open_window, qapp):
    window = open_window("en")
    assert not qapp.findChildren(QTranslator)
    assert window.menuBar().actions()[0].text() == "&File"
    assert not [text for _, text in shown_texts(window) if re.search("[\u4e00-\u9fff]", text) and text != "简体中文"]


def test_one_language_takes_the_place_of_another(language, qapp):
    assert language("zh_CN").name() == QLocale().name() == "zh_CN"
    assert len(qapp.findChildren(QTranslator)) == 2
    language("zh_CN")
    assert step_title(("Restore",)) == "还原"
    language("en")
    assert step_title(("Restore",)) == "Restore" and QLocale().language() == QLocale.Language.English


def test_a_language_without_translation_is_all_in_english(language):
    assert language("de").language() == QLocale.Language.German
    assert step_title(("Restore",)) == "Restore"
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "Cancel"


def test_the_systems_language(language, monkeypatch):
    monkeypatch.setattr("app.translation.QLocale.system", lambda: QLocale("zh_CN"))
    language("system")
    assert step_title(("Restore",)) == "还原"
    monkeypatch.setattr("app.translation.QLocale.system", lambda: QLocale("en_GB"))
    language("system")
    assert step_title(("Restore",)) == "Restore"


def test_there_is_a_translation_for_each_language():
    translated = set(LANGUAGES) - {"system", "en"}
    assert {path.stem for path in FOLDER.glob("*.qm")} == {f"maskbrush_{name}" for name in translated}
