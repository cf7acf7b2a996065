"""What a training consists of, read from a TOML file: networks' shapes, weights of the losses, stages."""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from models.blender import BlenderConfig
from models.config import GeneratorConfig
from models.discriminator import DiscriminatorConfig
from models.losses import GanLoss
from models.mask_vae import MaskVAEConfig

DEFAULT_RECIPE = Path(__file__).parent.parent / "resources" / "recipes" / "default.toml"
"""The recipe of the model that comes with Maskbrush."""

Kind = Literal["masks", "mapping", "simulated"]
"""Stage 1 of the paper's training: MaskVAE ("masks"), the dense mapping network; its stage 2 ("simulated")."""

Section = TypeVar("Section")


class RecipeError(Exception):
    """A recipe that cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True)
class Stage:
    """A stretch of training of one kind at one picture size.

    Attributes
    ----------
    kind
        What is trained.
    size
        Side of the pictures, in pixels.
    steps, batch
        The number of steps and the portraits in each, over all processes.
    """

    kind: Kind
    size: int
    steps: int
    batch: int

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, not {self.kind!r}")
        for name in ("size", "steps", "batch"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a positive whole number, not {getattr(self, name)!r}")


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts; the defaults of the first four are the published ones.

    Attributes
    ----------
    adversarial, features, perceptual
        Against the discriminator; between its features; between those of a fixed network.
    reconstruction
        L1 between the pictures.
    labels
        Cross entropy of the face parser's labels on the render.
    colours
        Mean colour of each class of a copied style.
    whole
        The share of ``reconstruction`` that counts for portraits blanked whole, of which no pixel is known.
    """

    adversarial: float = 1.0
    features: float = 10.0
    perceptual: float = 10.0
    reconstruction: float = 10.0
    labels: float = 0.5
    colours: float = 10.0
    whole: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training does, besides the data.

    Attributes
    ----------
    learning_rate
        Of all optimisers, before warm-up and decay.
    decay_from
        The share of the steps after which the learning rate falls linearly to a twentieth.
    average
        How much of the running average of the weights stays at each step, once it has filled.
    gan
        The adversarial loss.
    accessories
        How probable it is that a portrait is drawn with glasses it does not wear; 0 for none of the accessories.
    copied
        The share of the wholly blanked portraits that are rendered in another portrait's style.
    seed
        Of all that is drawn at random.
    """

    stages: tuple[Stage, ...]
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    mask_vae: MaskVAEConfig = field(default_factory=MaskVAEConfig)
    blender: BlenderConfig = field(default_factory=BlenderConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    weights: LossWeights = field(default_factory=LossWeights)
    learning_rate: float = 3e-4
    decay_from: float = 0.6
    average: float = 0.998
    gan: GanLoss = "lsgan"
    accessories: float = 0.25
    copied: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("there must be at least one stage")
        if self.gan not in get_args(GanLoss):
            raise ValueError(f"gan must be one of {', '.join(get_args(GanLoss))}, not {self.gan!r}")
        for name in ("decay_from", "average", "accessories", "copied"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in 0..1, not {getattr(self, name)!r}")
        if not 0 <= self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be a finite number of at least 0, not {self.learning_rate!r}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, but it is {self.seed}")
        for stage in self.stages:
            if stage.kind != "masks" and stage.size % self.generator.multiple:
                raise ValueError(f"a stage's size must be a multiple of {self.generator.multiple}, not {stage.size}")

    @property
    def steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.steps for stage in self.stages)

    def shapes(self) -> str:
        """Return the shapes of all networks as JSON: a checkpoint fits a recipe with the same."""
        parts = ("generator", "mask_vae", "blender", "discriminator")
        return json.dumps({part: asdict(getattr(self, part)) for part in parts})

    def stage_at(self, step: int) -> Stage:
        """Return the stage that a step belongs to; the last one after the end."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        return self.stages[-1]

    def course(self, step: int) -> tuple[int, int]:
        """Return the steps before this one, and all steps, of its course.

        MaskVAE's stages have a course of their own, and all others one together.
        """
        masks = self.stage_at(step).kind == "masks"
        done = total = position = 0
        for stage in self.stages:
            if (stage.kind == "masks") == masks:
                total += stage.steps
                done += min(max(step - position, 0), stage.steps)
            position += stage.steps
        return done, total

    def rate_at(self, step: int) -> float:
        """Return the learning rate at a step: in each course a warm-up of 100 steps, level, then a linear decay."""
        done, total = self.course(step)
        falling = (total - done) / max(1.0, (1 - self.decay_from) * total)
        return self.learning_rate * min(1.0, (done + 1) / 100) * max(0.05, min(1.0, falling))

    def scaled(self, share: float) -> "Recipe":
        """Return the recipe with that share of each stage's steps."""
        stages = tuple(replace(stage, steps=max(1, round(stage.steps * share))) for stage in self.stages)
        return replace(self, stages=stages)


def _section(kind: type[Section], values: Mapping[str, Any], name: str) -> Section:
    unknown = set(values) - {entry.name for entry in fields(kind)}  # type: ignore[arg-type]
    if unknown:
        raise ValueError(f"[{name}] has unknown settings {sorted(unknown)}")
    _check_types(kind, values)
    return kind(**values)


def _check_types(kind: type, values: Mapping[str, Any]) -> None:
    """Refuse values of another type than the defaults': they would be noticed hours later, or never."""
    for entry in fields(kind):
        if entry.name in values and isinstance(entry.default, bool | int | float | str):
            value, wanted = values[entry.name], type(entry.default)
            if type(value) is not wanted and not (wanted is float and type(value) is int):
                raise ValueError(f"{entry.name} must be of type {wanted.__name__}, not {value!r}")


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path
        A TOML file with the tables ``generator``, ``mask_vae``, ``blender``, ``discriminator``, ``weights``, the array
        of tables ``stages`` and the other settings of `Recipe` at the top; what is left out has its default.

    Raises
    ------
    RecipeError
        If the file is missing, is not TOML, or holds unknown or impossible settings.
    """
    sections: dict[str, type] = {
        "generator": GeneratorConfig,
        "mask_vae": MaskVAEConfig,
        "blender": BlenderConfig,
        "discriminator": DiscriminatorConfig,
        "weights": LossWeights,
    }
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        parts: dict[str, Any] = {
            name: _section(kind, values.pop(name), name) for name, kind in sections.items() if name in values
        }
        stages = tuple(_section(Stage, stage, "stages") for stage in values.pop("stages", []))
        unknown = set(values) - {entry.name for entry in fields(Recipe)}
        if unknown:
            raise ValueError(f"unknown settings {sorted(unknown)}")
        _check_types(Recipe, values)
        return Recipe(stages=stages, **parts, **values)
    except (OSError, TypeError, ValueError) as error:  # TOMLDecodeError is a ValueError
        raise RecipeError(f"{path} cannot be used as a recipe: {error}. Correct it, or choose another.") from error
