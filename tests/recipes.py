"""Recipes for tests of training: the shortest one with every kind of stage, and how to write one to a file."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from models.recipe import Recipe, Stage
from models.synthetic import SMOKE_RECIPE

SHORT = replace(
    SMOKE_RECIPE, stages=(Stage("masks", 32, 1, 2), Stage("mapping", 32, 2, 2), Stage("simulated", 32, 1, 2))
)
"""Four steps."""


def write_recipe(recipe: Recipe, path: Path) -> Path:
    """Write a recipe as TOML, all of its settings; returns ``path``."""
    values = asdict(recipe)
    stages = values.pop("stages")
    tables = {name: values.pop(name) for name in list(values) if isinstance(values[name], dict)}
    parts = [("", values), *((f"[{name}]", table) for name, table in tables.items())]
    parts += [("[[stages]]", stage) for stage in stages]
    # Numbers, strings and truth values look the same in JSON and in TOML.
    lines = [
        line for head, table in parts for line in (head, *(f"{name} = {json.dumps(x)}" for name, x in table.items()))
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def flat(value: object, name: str = "") -> dict[str, object]:
    """Unfold nested tables and lists."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    else:
        return {name: value}
    return {path: leaf for key, part in parts for path, leaf in flat(part, f"{name}/{key}").items()}


def assert_same_weights(run: Path, other: Path) -> None:
    first, second = (load_file(folder / "generator.safetensors") for folder in (run, other))
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
