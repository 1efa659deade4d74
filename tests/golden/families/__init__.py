"""The operations by family: edge cases, and how to draw a random call."""

from collections.abc import Callable

from case import Case
from draw import Call, Draw

from families import compare, convert, expressions, frames, numbers, texts, times, values

_MODULES = [values, times, convert, frames, texts, compare, numbers, expressions]

# Family to the cases that were thought of.
EDGES: dict[str, Callable[[], list[Case]]] = {family: cases for module in _MODULES for family, cases in module.EDGES.items()}

# Family to its operations, each with the function that draws a call of it. A new operation is one entry here.
DRAWS: dict[str, dict[str, Callable[[Draw], Call]]] = {family: draws for module in _MODULES for family, draws in module.DRAWS.items()}
