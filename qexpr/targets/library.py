"""Named targets with the order n up to which membership in F(d, n) is proven."""

from __future__ import annotations

from dataclasses import dataclass

from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten
from qexpr.targets.bumps import bump
from qexpr.targets.parser import variable
from qexpr.targets.piecewise import Telegraph, thue_morse
from qexpr.targets.target import Target

__all__ = ["LIBRARY", "Entry", "entry", "find", "get", "names"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A named target: its class, and one of an expression, a telegraph or a bump.

    Parameters
    ----------
    name, summary : str
    d, n : int
        Proven to be in F(d, n); larger n may hold as well.
    expression : str
    cells : int
        For a telegraph: the Thue-Morse signs, `n` times integrated.
    zigzag : bool
        Alternating signs instead.
    """

    name: str
    summary: str
    d: int
    n: int
    expression: str = ""
    cells: int = 0
    zigzag: bool = False

    def build(self) -> Target | Telegraph:
        """The function."""
        if self.expression:
            return Target(self.expression, self.d)
        if self.cells:
            signs = thue_morse(self.cells)
            if self.zigzag:
                signs = tuple((-1) ** k for k in range(self.cells))
            return Telegraph(signs, self.n, self.d)
        return bump(self.n, self.d)


LIBRARY = (
    Entry("sine", "smooth, norm exactly 1 at every order", 1, 8, "sin(x0)"),
    Entry("parabola", "a quadratic that attains every bound", 1, 2, "x0*(1-x0)/2"),
    Entry("runge", "a rational peak", 1, 2, "1/(50*(1+25*(x0-1/2)^2))"),
    Entry("ripple", "oscillating, 6 periods", 1, 3, "sin(40*x0)/64000"),
    Entry("chirp", "oscillating, its frequency rising", 1, 2, "sin(20*x0^2)/1640"),
    Entry("corner", "W^(2,inf), not C^2", 1, 2, "relu(x0-1/3)^2/2"),
    Entry("folds", "nested kinks", 1, 1, "abs(abs(abs(x0-1/2)-1/4)-1/8)"),
    Entry("waves", "smooth, in two variables", 2, 3, "sin(3*x0)*cos(2*x1)/27"),
    Entry("anisotropic", "eight times faster in x0 than in x1", 2, 3, "sin(8*x0+x1)/512"),
    Entry("ridge", "W^(3,inf), not C^3, across a diagonal", 2, 3, "abs(x0+x1-1)^3/6"),
    Entry("pyramid", "distance to the boundary", 2, 1, "min(x0,1-x0,x1,1-x1)"),
    Entry("softplus", "smooth, steep along a diagonal", 2, 2, "log(1+exp(3*(x0+x1-1)))/4"),
    Entry("neuron", "one hyperbolic tangent", 2, 2, "tanh(4*(x0-x1))/13"),
    Entry("gaussian", "a smooth bump", 2, 2, "exp(-4*((x0-1/2)^2+(x1-1/2)^2))/8"),
    Entry("anisotropic3", "speeds 4, 2 and 1", 3, 2, "cos(4*x0+2*x1+x2)/16"),
    Entry("distance", "l1 distance from x = 1/2", 3, 1, "abs(x0-1/2)+abs(x1-1/2)+abs(x2-1/2)-1/2"),
    Entry("wave4", "a plane wave, norm 1 at every order", 4, 3, "cos(x0+x1+x2+x3)"),
    Entry("cone4", "kinks in four variables", 4, 1, "max(abs(x0-x1),abs(x2-x3),abs(x0+x3-1))/2"),
    Entry("zigzag", "slopes +-1 in turn", 1, 1, cells=32, zigzag=True),
    Entry("telegraph1", "Thue-Morse slopes", 1, 1, cells=64),
    Entry("telegraph2", "Thue-Morse signs integrated twice", 1, 2, cells=64),
    Entry("telegraph3", "Thue-Morse signs integrated three times", 1, 3, cells=64),
    Entry("telegraph2d", "Thue-Morse signs integrated twice, along a diagonal", 2, 2, cells=64),
    Entry("bump1", "extremal bump of F(1,1)", 1, 1),
    Entry("bump2", "extremal bump of F(1,2)", 1, 2),
    Entry("bump3", "extremal bump of F(1,3)", 1, 3),
    Entry("bump4", "extremal bump of F(1,4)", 1, 4),
    Entry("bump2d", "extremal bump of F(2,2)", 2, 2),
    Entry("bump2d3", "extremal bump of F(2,3)", 2, 3),
    Entry("bump3d", "extremal bump of F(3,2)", 3, 2),
)  # fmt: skip


def names() -> list[str]:
    """The names of the library."""
    return [item.name for item in LIBRARY]


def entry(name: str) -> Entry:
    """The library's entry of a name."""
    for item in LIBRARY:
        if item.name == name:
            return item
    raise InvalidInput(
        f"there is no target named {shorten(name)}{suggest(str(name), names())}; "
        f"the names are {', '.join(names())}"
    )


def get(name: str) -> Target | Telegraph:
    """A named target of the library."""
    return entry(name).build()


def find(text: str, d: int | None = None) -> Target | Telegraph:
    """A named target, or else the expression itself; `d`, if given, has to fit."""
    if text in names():
        found = get(text)
        if d is not None and d != found.d:
            raise InvalidInput(f"target {text} has d = {found.d}, got d = {shorten(d)}")
        return found
    if isinstance(text, str) and text.isidentifier() and variable(text) is None:
        entry(text)  # a word, but no name: say which names there are
    return Target(text, d)
