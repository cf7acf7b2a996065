"""Data that the editor carries: the label table, sample portraits and default weights."""

from pathlib import Path

RESOURCES = Path(__file__).parent
