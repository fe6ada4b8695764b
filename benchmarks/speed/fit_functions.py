"""Fits the polynomials with which the native encoder computes GELU and exponentials, and prints their errors.

    python benchmarks/speed/fit_functions.py

GELU: the coefficients c of erf(x / sqrt 2) = x * (c0 + c1 x^2 + c2 x^4 + ...) for |x| <= 4.25 in
src/secondlook/models/native/gelu.hpp; beyond the edge the value at the edge holds. Exponential: those of
2^x = c0 + c1 x + ... for 0 <= x < 1 in functions.hpp, with the smallest relative error.
"""

import math

import numpy as np
from numpy.polynomial import chebyshev, polynomial
from numpy.typing import NDArray

EDGE = 4.25
TERMS = 9
EXPONENTIAL_TERMS = 5
ROUNDS = 20


def fit_gelu() -> list[float]:
    """Coefficients, lowest first: least squares at Chebyshev nodes in u = x^2."""
    nodes = (np.cos(np.pi * (np.arange(400) + 0.5) / 400) + 1) / 2
    x = EDGE * np.sqrt(nodes)
    wanted = np.array([math.erf(one / math.sqrt(2)) / one for one in x])
    series = chebyshev.Chebyshev.fit(x**2, wanted, TERMS - 1, domain=[0, EDGE**2], w=x)
    return [float(one) for one in series.convert(kind=np.polynomial.Polynomial).coef]


def fit_exponential() -> NDArray[np.float64]:
    """Coefficients, lowest first, of the least largest relative error: Remez exchange from Chebyshev nodes."""
    grid = np.linspace(0, 1, 20001)
    points = (1 - np.cos(np.pi * np.arange(EXPONENTIAL_TERMS + 1) / EXPONENTIAL_TERMS)) / 2
    for _ in range(ROUNDS):
        powers = points[:, None] ** np.arange(EXPONENTIAL_TERMS) / 2 ** points[:, None]
        signs = (-1.0) ** np.arange(len(points))
        found = np.linalg.solve(np.column_stack([powers, signs]), np.ones(len(points)))[:-1]
        error = polynomial.polyval(grid, found) / 2**grid - 1
        turns = np.flatnonzero(np.diff(np.sign(error)))
        pieces = np.split(np.arange(len(grid)), turns + 1)
        points = np.array([grid[piece[np.argmax(np.abs(error[piece]))]] for piece in pieces])
    return np.asarray(found)


def main() -> None:
    """Print the coefficients, the largest error of GELU on -8 to 8, and the largest relative one of 2^x."""
    found = fit_gelu()
    print("GELU {" + ", ".join(f"{one:.9e}f" for one in found) + "}")
    x = np.linspace(-8, 8, 100001, dtype=np.float32)
    t = np.clip(x, -EDGE, EDGE)
    value = np.zeros_like(t)
    for one in reversed(found):
        value = value * t * t + np.float32(one)
    half = x / 2
    exact = np.array([one / 2 * (1 + math.erf(one / math.sqrt(2))) for one in x.astype(float)])
    print("largest error", float(np.abs(value * t * half + half - exact).max()))
    powers = fit_exponential()
    print("2^x {" + ", ".join(f"{one:.8f}f" for one in powers) + "}")
    grid = np.linspace(0, 1, 100001)
    print("largest relative error", float(np.abs(polynomial.polyval(grid, powers) / 2**grid - 1).max()))


if __name__ == "__main__":
    main()
