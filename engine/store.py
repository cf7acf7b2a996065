"""Where models lie: the default weights, and what is made once from weight files and kept."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.types import LabelMap, ModelError, Pixels
from models.config import GeneratorConfig, WeightFileError, reason_of
from resources import RESOURCES

GRAPH_VERSION = 2
"""Raised when the exported graphs change, so that older ones are made anew."""

PARSER_GRAPH_VERSION = 2
"""The same for the face parsers' graphs."""

CALIBRATIONS = 4
"""Edits from which the ranges of a network's activations are taken where no file tells them."""

LOG = logging.getLogger(__name__)

PUBLISHED_LICENCE = (
    "These weights were published with MaskGAN (CelebAMask-HQ) for non-commercial research and education only."
)


def default_weights() -> Path:
    """Return the weight file that the editor ships."""
    return RESOURCES / "weights" / "maskbrush-256.safetensors"


def default_parser() -> Path:
    """Return the face parser's weight file that the editor ships."""
    return RESOURCES / "weights" / "face-parser.safetensors"


def default_locator() -> Path:
    """Return the face locator's weight file that the editor ships."""
    return RESOURCES / "weights" / "face-locator.safetensors"


def cache_folder() -> Path:
    """Return the folder for files that can be made again; ``MASKBRUSH_CACHE_DIR`` overrides it."""
    if override := os.environ.get("MASKBRUSH_CACHE_DIR"):
        return Path(override)
    from platformdirs import user_cache_path

    return user_cache_path("maskbrush", appauthor=False)


def checked(
    weights: Path,
    kinds: tuple[str, ...] = (".safetensors", ".pth"),
    expected: str = "a .safetensors file, or MaskGAN's latest_net_G.pth",
) -> Path:
    """Return the absolute path of a weight file.

    Parameters
    ----------
    weights
        The file.
    kinds
        The suffixes that are known.
    expected
        What to choose: for the message.

    Raises
    ------
    ModelError
        If it does not exist, or is of a kind that is not known.
    """
    if not weights.is_file():
        raise ModelError(
            f"The weight file {weights} does not exist.", "Choose another one, or install Maskbrush again."
        )
    if weights.suffix not in kinds:
        raise ModelError(f"{weights.name} is not a weight file.", f"Choose {expected}.")
    return weights.resolve()


def licence_of(weights: Path) -> str:
    """Return the terms to show for a weight file; empty for our own."""
    return PUBLISHED_LICENCE if weights.suffix == ".pth" else ""


def model_id(weights: Path) -> str:
    """Identify a weight file by its content: the first 16 hexadecimal digits of its SHA-256.

    Raises
    ------
    ModelError
        If the file cannot be read.
    """
    try:
        stat = weights.stat()
        return _digest(weights, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise ModelError(f"{weights} cannot be read ({error.strerror}).", "Choose another weight file.") from error


@lru_cache(maxsize=8)
def _digest(weights: Path, modified: int, size: int) -> str:
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@contextmanager
def translated() -> Iterator[None]:
    """Turn a weight file's errors into the engine's own."""
    try:
        yield
    except WeightFileError as error:
        raise ModelError(error.message, error.hint) from error
    except MemoryError:
        raise
    except Exception as error:  # what a file holds that nobody made on purpose can fail anywhere
        raise ModelError(
            f"The weight file does not hold a network that can be built ({reason_of(error)}).",
            "Choose another weight file, or copy or download it again.",
        ) from error


def own_format(weights: Path) -> Path:
    """Return a weight file in our own format: a published one is converted the first time, and kept.

    Raises
    ------
    ModelError
        If the weight file cannot be used.
    """
    if weights.suffix != ".pth":
        return weights
    kept = cache_folder() / "converted" / f"{model_id(weights)}.safetensors"
    if not kept.is_file():
        from models.checkpoints import load_generator, save_generator

        with translated():
            network, title = load_generator(weights)
        try:
            save_generator(network, kept, title, half=False, notes=PUBLISHED_LICENCE)
        except OSError:
            return weights  # nowhere to keep it: it is read as it is each time
    return kept


def prepared(weights: Path, progress: Callable[[str], None] = lambda text: None) -> Path:
    """Return the folder of a model's graphs, made now if they are not kept yet; see models/export.py for what is in it.

    Raises
    ------
    ModelError
        If the weight file cannot be used.
    BackendUnavailableError
        If the graphs cannot be made or kept.
    """
    from engine.generate import BackendUnavailableError

    folder = kept_graphs(weights)
    if not complete(folder):
        progress("Preparing the model for this computer (once)…")
        try:
            from models.checkpoints import load_generator
            from models.export import export_generator
        except (ImportError, OSError) as error:
            raise BackendUnavailableError(f"the ONNX exporter cannot be imported ({reason_of(error)})") from error
        with translated():
            network, title = load_generator(own_format(weights))
        try:
            export_generator(network, title, folder, _quantization(weights, network))
        except Exception as error:  # the exporter's own errors share no other base class
            raise BackendUnavailableError(f"the ONNX graphs cannot be made in {folder} ({reason_of(error)})") from error
    return folder


def kept_graphs(weights: Path) -> Path:
    """Return the folder where a model's graphs are kept, or would be."""
    return cache_folder() / "onnx" / f"{model_id(weights)}-{GRAPH_VERSION}"


def complete(folder: Path) -> bool:
    """Tell whether a folder holds the graphs that every model has."""
    return all((folder / name).is_file() for name in ("encode.onnx", "decode.onnx", "part.onnx"))


def _quantization(weights: Path, network: Any) -> Any:
    """Return how a network is quantised: as the file beside its weights says, else as the sample portraits show.

    None if that fails: int8 makes drafts quicker, and nothing else depends on it.
    """
    from models.quantize import Quantization, calibrate_on, ranges_file

    try:
        if (beside := ranges_file(weights)).is_file():
            known = Quantization.from_json(beside.read_text(encoding="utf-8"))
            if known.model_id == model_id(weights):
                return known
        return calibrate_on(network, _samples(network.config), CALIBRATIONS, model_id=model_id(weights))
    except Exception:
        LOG.warning("The model could not be quantised", exc_info=True)
        return None


def _samples(config: GeneratorConfig) -> list[tuple[LabelMap, Pixels]]:
    """Return the sample portraits at a network's size: labels and pixels."""
    from engine.frame import Frame
    from engine.reader import read_portrait

    samples = []
    for path in sorted((RESOURCES / "samples").glob("*.jpg")):
        portrait = read_portrait(path)
        height, width = portrait.labels.shape
        frame = Frame.fit(height, width, config.size, config.multiple)
        samples.append((frame.labels(portrait.labels), frame.pixels(portrait.pixels)))
    return samples


def parser_graph(weights: Path, progress: Callable[[str], None] = lambda text: None) -> Path:
    """Return the path of a face parser's graph, made now if it is not kept yet.

    Raises
    ------
    ModelError
        If the weight file cannot be used.
    BackendUnavailableError
        If the graph cannot be made or kept.
    """

    def exporter() -> tuple[Callable, Callable]:
        from models.export_parser import export_parser, open_parser

        return open_parser, export_parser

    return _kept_graph(weights, "parse.onnx", "face parser", exporter, progress)


def locator_graph(weights: Path, progress: Callable[[str], None] = lambda text: None) -> Path:
    """Return the path of a face locator's graph, as `parser_graph` does for a parser's."""

    def exporter() -> tuple[Callable, Callable]:
        from models.export_locator import export_locator
        from models.face_locator import load_locator

        return load_locator, export_locator

    return _kept_graph(weights, "locate.onnx", "face locator", exporter, progress)


def _kept_graph(
    weights: Path,
    name: str,
    title: str,
    exporter: Callable[[], tuple[Callable, Callable]],
    progress: Callable[[str], None],
) -> Path:
    """Return the path of a graph of the face search; ``exporter`` imports what loads the network and exports it."""
    from engine.generate import BackendUnavailableError

    graph = cache_folder() / "onnx" / f"{model_id(weights)}-{PARSER_GRAPH_VERSION}" / name
    if not graph.is_file():
        progress(f"Preparing the {title} for this computer (once)…")
        try:
            load, export = exporter()
        except (ImportError, OSError) as error:
            raise BackendUnavailableError(f"the ONNX exporter cannot be imported ({reason_of(error)})") from error
        with translated():
            network = load(weights)
        try:
            export(network, graph)
        except Exception as error:  # the exporter's own errors share no other base class
            raise BackendUnavailableError(f"the ONNX graph cannot be made: {graph} ({reason_of(error)})") from error
    return graph
