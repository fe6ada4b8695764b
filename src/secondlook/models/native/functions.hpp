// Exponentials and GELU of vectors; benchmarks/speed/fit_functions.py prints the coefficients.
#pragma once
#include "gelu.hpp"

namespace {

using namespace simd;

// 2^x for x <= 0 with a relative error below 3e-6: a polynomial of the fraction times a power of two.
inline Floats exp2_negative(Floats x) {
  const Floats rest = fraction(x);
  Floats p = broadcast(0.01353417f);
  p = fma(p, rest, broadcast(0.05201146f));
  p = fma(p, rest, broadcast(0.24144276f));
  p = fma(p, rest, broadcast(0.69300383f));
  p = fma(p, rest, broadcast(1.00000259f));
  return times_power(p, x);
}

// x * Phi(x); erf(x / sqrt 2) / x is a polynomial in x^2, constant past the edge.
inline Floats gelu(Floats x) {
  const Floats t = minimum(maximum(x, broadcast(-kGeluEdge)), broadcast(kGeluEdge)), u = mul(t, t);
  Floats p = broadcast(kGelu[kGeluTerms - 1]);
#pragma GCC unroll 16
  for (int i = kGeluTerms - 2; i >= 0; i--) p = fma(p, u, broadcast(kGelu[i]));
  const Floats half = mul(x, broadcast(0.5f));
  return fma(mul(p, t), half, half);
}

}  // namespace
