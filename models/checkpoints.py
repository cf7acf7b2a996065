"""Weight files: our own (safetensors, with the network's configuration inside) and published ones.

Nothing here unpickles code: safetensors hold numbers only, and published ``.pth`` files are read with
``torch.load(weights_only=True)``.
"""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from models.config import GeneratorConfig, WeightFileError, reason_of
from models.generator import DenseMappingNetwork

Network = TypeVar("Network", bound=nn.Module)

NETWORK = "dense_mapping_network"
"""The value of the metadata key ``network`` that marks a weight file of ours."""

_TABLES = ("state_dict", "model_state_dict", "model", "net", "params")
"""The names under which training programs keep a network's weights in their checkpoints."""


def save_tensors(tensors: dict[str, Tensor], metadata: dict[str, str], path: Path) -> None:
    """Write tensors and metadata as safetensors, replacing ``path`` only once the whole file is on disk.

    Raises
    ------
    OSError
        If the file cannot be written; an older file at ``path`` is then left as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".saving-") as folder:
        part = Path(folder) / path.name
        # The library's own save_file makes files that nobody else may read.
        part.write_bytes(save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, metadata))
        part.replace(path)


def read_tensors(path: Path, network: str, hint: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file of ours; floating point tensors come back as float32.

    Parameters
    ----------
    path
        The file.
    network
        What the metadata key ``network`` must hold.
    hint
        What to choose instead if the file is of another network.

    Raises
    ------
    WeightFileError
        If the file is missing, truncated, or of another network.
    """
    if not path.is_file():
        raise WeightFileError(f"{path} does not exist.", "Choose another weight file.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("network") != network or "config" not in metadata:
                raise WeightFileError(f"{path.name} holds the weights of another network.", hint)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            # Copied, as tensors of this library can be views of the file, which may be replaced later.
            tensors = {
                name: value.to(torch.float32 if value.is_floating_point() else value.dtype, copy=True)
                for name, value in tensors.items()
            }
    except (SafetensorError, OSError) as error:
        raise WeightFileError(
            f"{path.name} cannot be read as a weight file ({error}).", "It may be truncated: copy or download it again."
        ) from error
    return tensors, metadata


def read_published(path: Path, hint: str) -> dict[str, Tensor]:
    """Read the weights in a published ``.pth``; floating point tensors come back as float32.

    Parameters
    ----------
    path
        The file: a table of weights, or a checkpoint that holds one under a usual name such as ``state_dict``.
    hint
        What to choose instead if it is not that.

    Raises
    ------
    WeightFileError
        If the file is missing, damaged, or holds something else.
    """
    if not path.is_file():
        raise WeightFileError(f"{path} does not exist.", "Choose another weight file.")
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can make the reader stumble in any way
        reason = reason_of(error)
        raise WeightFileError(f"{path.name} cannot be read as PyTorch weights ({reason}).", hint) from error
    if isinstance(tensors, dict):
        tensors = next((tensors[key] for key in _TABLES if isinstance(tensors.get(key), dict)), tensors)
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in tensors.items()
    ):
        raise WeightFileError(f"{path.name} is not a plain table of weights.", hint)
    # Weights saved from several GPUs carry a prefix.
    return {
        re.sub(r"^module\.", "", name): value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
    }


def save_generator(network: DenseMappingNetwork, path: Path, title: str, half: bool = True, notes: str = "") -> None:
    """Write a generator's weights and configuration, replacing ``path`` only once the whole file is on disk.

    Parameters
    ----------
    network
        The network to save.
    path
        A ``.safetensors`` file.
    title
        The name people see.
    half
        Whether to store float16, which halves the file; they are loaded as float32 either way.
    notes
        Free text: licence, data, recipe.

    Raises
    ------
    OSError
        If the file cannot be written; an older file at ``path`` is then left as it was.
    """
    dtype = torch.float16 if half else torch.float32
    tensors = {name: value.to(dtype) for name, value in network.state_dict().items()}
    metadata = {"network": NETWORK, "config": network.config.to_json(), "title": title, "notes": notes}
    save_tensors(tensors, metadata, path)


def load_generator(path: Path) -> tuple[DenseMappingNetwork, str]:
    """Load a generator, from our own safetensors or a published ``.pth``.

    Returns
    -------
    network, title
        The network in eval mode with float32 weights, and its name.

    Raises
    ------
    WeightFileError
        If the file is missing, truncated, foreign, or does not fit its configuration.
    """
    if not path.is_file():
        raise WeightFileError(f"{path} does not exist.", "Choose another weight file.")
    return _load_published(path) if path.suffix == ".pth" else _load_own(path)


def _load_own(path: Path) -> tuple[DenseMappingNetwork, str]:
    hint = "Choose a dense mapping network made by Maskbrush, or MaskGAN's latest_net_G.pth."
    tensors, metadata = read_tensors(path, NETWORK, hint)
    try:
        config = GeneratorConfig.from_json(metadata["config"])
    except WeightFileError as error:
        raise WeightFileError(f"{path.name}: {error.message}", error.hint) from error
    return _build(config, tensors, path), metadata.get("title") or path.stem


def _load_published(path: Path) -> tuple[DenseMappingNetwork, str]:
    """Load MaskGAN's published ``latest_net_G.pth``; its configuration follows from the shapes it holds."""
    hint = "Choose MaskGAN's latest_net_G.pth, or copy or download it again if it may be incomplete."
    tensors = read_published(path, hint)
    stem, head = tensors.get("model.1.weight"), tensors.get("enc_style.model_last.1.weight")
    blocks = len({name.split(".")[1] for name in tensors if name.endswith(".conv_block.0.conv.weight")})
    if stem is None or head is None or stem.ndim != 4 or head.ndim != 4 or not blocks:
        raise WeightFileError(f"{path.name} is not a dense mapping network.", hint)
    width, widest = stem.shape[0], head.shape[0] // (4 * blocks)
    try:
        downsamplings = (widest // width).bit_length() - 1
        config = GeneratorConfig(width=width, max_width=max(1024, widest), blocks=blocks, downsamplings=downsamplings)
    except (ValueError, ZeroDivisionError) as error:
        raise WeightFileError(f"{path.name} is not a dense mapping network ({error}).", hint) from error
    return _build(config, tensors, path), "MaskGAN (published)"


def _build(config: GeneratorConfig, tensors: dict[str, Tensor], path: Path) -> DenseMappingNetwork:
    """Make a generator around the given weights."""
    hint = "Choose a file that was saved whole, by this version or an older one."
    return assemble(lambda: DenseMappingNetwork(config), tensors, path, hint)


def assemble(make: Callable[[], Network], tensors: dict[str, Tensor], path: Path, hint: str) -> Network:
    """Make a network in eval mode around given weights, which are checked before any memory is taken.

    Parameters
    ----------
    make
        Makes the network, of whatever size a damaged file may ask for.
    tensors
        Its weights, which are taken and not copied.
    path, hint
        Where they come from, and what to do if they do not fit: for the message.

    Raises
    ------
    WeightFileError
        If the weights do not fit the network.
    """
    with torch.device("meta"):
        network = make()
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        # torch names what does not fit from the second line on.
        reason = str(error).splitlines()[1:2] or [str(error)]
        raise WeightFileError(f"{path.name} does not fit its configuration ({reason[0].strip()}).", hint) from error
    return network.eval()


def save_half(network: nn.Module, kind: str, config: str, path: Path, notes: str = "") -> None:
    """Write a network's weights as float16, with its configuration; an older file stays until the new one is whole.

    Parameters
    ----------
    network
        The network.
    kind
        The value of the metadata key ``network``.
    config
        Its configuration as JSON.
    path
        The file.
    notes
        How it was made.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    tensors = {
        name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()
    }
    save_tensors(tensors, {"network": kind, "config": config, "notes": notes}, path)


def load_half(path: Path, kind: str, hint: str, make: Callable[[str], Network]) -> Network:
    """Load what `save_half` wrote, in eval mode with float32 weights.

    Parameters
    ----------
    path
        The file.
    kind
        The value of the metadata key ``network`` that is expected.
    hint
        What to do if it is another.
    make
        Builds the network from its configuration as JSON.

    Raises
    ------
    WeightFileError
        If the file is missing, damaged, of another network, or does not fit its configuration.
    """
    tensors, metadata = read_tensors(path, kind, hint)
    again = "Make or copy it again."
    try:
        config = metadata["config"]
        return assemble(lambda: make(config), tensors, path, again)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightFileError(f"{path.name} does not fit its configuration ({reason_of(error)}).", again) from error
