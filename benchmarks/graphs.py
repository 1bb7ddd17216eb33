"""Graphs of tasks to run: which task needs which others. Knows nothing of tools and files."""

from collections.abc import Callable, Mapping
from math import isqrt
from random import Random
from types import MappingProxyType

Graph = Mapping[str, tuple[str, ...]]


def make_wide(size: int) -> Graph:
    """Return tasks that need nothing."""
    return {_name(number): () for number in range(size)}


def make_chain(size: int) -> Graph:
    """Return tasks that each need the one before."""
    return {_name(number): (_name(number - 1),) if number else () for number in range(size)}


def make_layered(size: int) -> Graph:
    """Return as many layers as tasks in a layer; each task needs up to three of the layer before."""
    width = max(isqrt(size), 1)
    draw = Random(size)  # noqa: S311 - the same graph each time is the point
    return {_name(number): _pick(number, width, draw) for number in range(size)}


def _pick(number: int, width: int, draw: Random) -> tuple[str, ...]:
    first = (number // width - 1) * width
    if first < 0:
        return ()
    layer = range(first, first + width)
    return tuple(map(_name, sorted(draw.sample(layer, min(3, width)))))


def _name(number: int) -> str:
    return f"T{number:05}"


SHAPES: Mapping[str, Callable[[int], Graph]] = MappingProxyType(
    {"wide": make_wide, "chain": make_chain, "layered": make_layered}
)
