"""Fits the polynomial with which the native encoder computes GELU, and says how far off it is.

    python benchmarks/speed/fit_gelu.py

Prints the coefficients c of erf(x / sqrt 2) = x * (c0 + c1 x^2 + c2 x^4 + ...) for |x| <= 4.5, as they
stand in src/secondlook/models/native/gelu.hpp. Beyond the edge the value at the edge holds.
"""

import math

import numpy as np
from numpy.polynomial import chebyshev

EDGE = 4.5
TERMS = 12


def fit() -> list[float]:
    """Coefficients, lowest first: least squares at Chebyshev nodes in u = x^2."""
    nodes = (np.cos(np.pi * (np.arange(400) + 0.5) / 400) + 1) / 2
    x = EDGE * np.sqrt(nodes)
    wanted = np.array([math.erf(one / math.sqrt(2)) / one for one in x])
    series = chebyshev.Chebyshev.fit(x**2, wanted, TERMS - 1, domain=[0, EDGE**2], w=x)
    return [float(one) for one in series.convert(kind=np.polynomial.Polynomial).coef]


def main() -> None:
    """Print the coefficients and the largest error of GELU on -8 to 8."""
    found = fit()
    print("{" + ", ".join(f"{one:.9e}f" for one in found) + "}")
    x = np.linspace(-8, 8, 100001, dtype=np.float32)
    t = np.clip(x, -EDGE, EDGE)
    value = np.zeros_like(t)
    for one in reversed(found):
        value = value * t * t + np.float32(one)
    half = x / 2
    exact = np.array([one / 2 * (1 + math.erf(one / math.sqrt(2))) for one in x.astype(float)])
    print("largest error", float(np.abs(value * t * half + half - exact).max()))


if __name__ == "__main__":
    main()
