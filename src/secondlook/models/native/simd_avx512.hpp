// Vectors of sixteen floats: AVX-512 with VNNI, on servers since 2019 (Intel) and 2022 (AMD).
#pragma once
#include <immintrin.h>

#include <cstdint>

// No symbol may leave this unit: the linker would merge it with its twin of another instruction set.
namespace {
namespace simd {

constexpr int kWidth = 16;
constexpr int kIntRows = 12;
constexpr int kFloatRows = 12;

using Floats = __m512;
using Ints = __m512i;

inline Floats zero() { return _mm512_setzero_ps(); }
inline Floats all(float x) { return _mm512_set1_ps(x); }
inline Floats load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Floats x) { _mm512_storeu_ps(p, x); }
inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
inline Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats least(Floats a, Floats b) { return _mm512_min_ps(a, b); }
inline Floats most(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats nearest(Floats a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline Floats to_floats(Ints a) { return _mm512_cvtepi32_ps(a); }

inline Floats power_of_two(Floats whole) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(whole), _mm512_set1_epi32(127)), 23));
}

inline void store_bytes(uint8_t* p, Floats x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(x)));
}

inline Ints int_zero() { return _mm512_setzero_si512(); }
inline Ints load_ints(const int8_t* p) { return _mm512_load_si512(p); }
inline Ints all_ints(const uint8_t* four) {
  int bits;
  __builtin_memcpy(&bits, four, 4);
  return _mm512_set1_epi32(bits);
}

inline Ints dot_eight(Ints sum, Ints a0, Ints b0, Ints a1, Ints b1) {
  return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum, a0, b0), a1, b1);
}

}  // namespace simd
}  // namespace
