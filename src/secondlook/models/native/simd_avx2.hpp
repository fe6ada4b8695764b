// Vectors of eight floats: AVX2 and FMA, on every x86 server since 2013 (Intel) and 2017 (AMD).
#pragma once
#include <immintrin.h>

#include <cstdint>

// No symbol may leave this unit: the linker would merge it with its twin of another instruction set.
namespace {
namespace simd {

constexpr int kWidth = 8;      // floats a vector
constexpr int kIntRows = 4;    // rows of an integer tile
constexpr int kFloatRows = 6;  // rows of a float tile

using Floats = __m256;
using Ints = __m256i;

inline Floats zero() { return _mm256_setzero_ps(); }
inline Floats all(float x) { return _mm256_set1_ps(x); }
inline Floats load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Floats x) { _mm256_storeu_ps(p, x); }
inline Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
inline Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
inline Floats least(Floats a, Floats b) { return _mm256_min_ps(a, b); }
inline Floats most(Floats a, Floats b) { return _mm256_max_ps(a, b); }
inline Floats nearest(Floats a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline Floats to_floats(Ints a) { return _mm256_cvtepi32_ps(a); }

// 2 to the power of a whole number between -126 and 127.
inline Floats power_of_two(Floats whole) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23));
}

// Eight floats between 0 and 255, rounded to bytes.
inline void store_bytes(uint8_t* p, Floats x) {
  const Ints i = _mm256_cvtps_epi32(x);
  const __m128i shorts = _mm_packus_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(shorts, shorts));
}

inline Ints int_zero() { return _mm256_setzero_si256(); }
inline Ints load_ints(const int8_t* p) { return _mm256_load_si256(reinterpret_cast<const Ints*>(p)); }
inline Ints all_ints(const uint8_t* four) {
  int bits;
  __builtin_memcpy(&bits, four, 4);
  return _mm256_set1_epi32(bits);
}

// sum += the dot products of eight bytes a lane: a (unsigned, at most 127) with b (signed, at most 63 either way).
// Four such products fit into 16 bits, so that two multiplications share one widening.
inline Ints dot_eight(Ints sum, Ints a0, Ints b0, Ints a1, Ints b1) {
  const Ints products = _mm256_add_epi16(_mm256_maddubs_epi16(a0, b0), _mm256_maddubs_epi16(a1, b1));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
}

}  // namespace simd
}  // namespace
