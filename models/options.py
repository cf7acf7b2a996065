"""Kinds of values on command lines."""

import argparse


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return _at_least(1, text)


def whole(text: str) -> int:
    """Read a whole number of at least 0."""
    return _at_least(0, text)


def share(text: str) -> float:
    """Read a number above 0 and up to 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 1")
    return value


def _at_least(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return value
