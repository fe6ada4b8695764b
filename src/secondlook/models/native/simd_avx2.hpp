// Vectors of eight floats: AVX2 and FMA, in every x86 server since 2013 (Intel) and 2017 (AMD).
#pragma once
#include <immintrin.h>

#include <cstdint>

// No symbol may leave this unit: the linker would merge it with its twin of another instruction set.
namespace {
namespace simd {

constexpr int kWidth = 8;  // floats a vector

using Floats = __m256;
using Ints = __m256i;

inline Floats zero() { return _mm256_setzero_ps(); }
inline Floats broadcast(float x) { return _mm256_set1_ps(x); }
inline Floats load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Floats x) { _mm256_storeu_ps(p, x); }
inline Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
inline Floats sub(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
inline Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
inline Floats minimum(Floats a, Floats b) { return _mm256_min_ps(a, b); }
inline Floats maximum(Floats a, Floats b) { return _mm256_max_ps(a, b); }
inline Floats magnitude(Floats a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.f), a); }
inline Floats to_floats(Ints a) { return _mm256_cvtepi32_ps(a); }

// One value of all lanes.
template <class Join>
inline float reduce(Floats a, Join join) {
  __m128 x = join(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = join(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(join(x, _mm_movehdup_ps(x)));
}
inline float sum_of(Floats a) {
  return reduce(a, [](__m128 x, __m128 y) { return _mm_add_ps(x, y); });
}
inline float min_of(Floats a) {
  return reduce(a, [](__m128 x, __m128 y) { return _mm_min_ps(x, y); });
}
inline float max_of(Floats a) {
  return reduce(a, [](__m128 x, __m128 y) { return _mm_max_ps(x, y); });
}

// x - floor(x).
inline Floats fraction(Floats x) { return _mm256_sub_ps(x, _mm256_floor_ps(x)); }
// p * 2^floor(x), or next to nothing where x is below -120.
inline Floats times_power(Floats p, Floats x) {
  const Ints whole = _mm256_cvtps_epi32(_mm256_floor_ps(_mm256_max_ps(x, _mm256_set1_ps(-120.f))));
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(whole, 23)));
}

inline __m128i to_shorts(Ints i) {
  return _mm_packs_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
}

// Floats between 0 and 255, rounded to bytes.
inline void store_bytes(uint8_t* p, Floats x) {
  const __m128i shorts = to_shorts(_mm256_cvtps_epi32(x));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(shorts, shorts));
}

// Floats rounded to 16 bits; returns them as they were stored.
inline Ints store_shorts(int16_t* p, Floats x) {
  const Ints i = _mm256_cvtps_epi32(x);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), to_shorts(i));
  return i;
}

// Two rows rounded to 16 bits, each number of the first beside that of the second.
inline void store_pairs(int16_t* p, Floats first, Floats second) {
  const Ints pairs =
      _mm256_blend_epi16(_mm256_cvtps_epi32(first), _mm256_slli_epi32(_mm256_cvtps_epi32(second), 16), 0xaa);
  _mm256_storeu_si256(reinterpret_cast<Ints*>(p), pairs);
}

inline Ints add_ints(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
inline Ints int_zero() { return _mm256_setzero_si256(); }
inline Ints load_ints(const void* p) { return _mm256_loadu_si256(static_cast<const Ints*>(p)); }
inline void store_ints(void* p, Ints x) { _mm256_storeu_si256(static_cast<Ints*>(p), x); }
inline Ints broadcast_four_bytes(const void* bytes) {
  int32_t bits;
  __builtin_memcpy(&bits, bytes, 4);
  return _mm256_set1_epi32(bits);
}

// The first `count` lanes of x, the rest of them `other`.
inline Floats first_lanes(Floats x, int count, Floats other) {
  const Ints kept = _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  return _mm256_blendv_ps(other, x, _mm256_castsi256_ps(kept));
}

// Rows become columns.
inline void transpose(Ints (&x)[8]) {
  Ints y[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i += 4) {
    const Ints a = _mm256_unpacklo_epi32(x[i], x[i + 1]), b = _mm256_unpackhi_epi32(x[i], x[i + 1]);
    const Ints c = _mm256_unpacklo_epi32(x[i + 2], x[i + 3]), d = _mm256_unpackhi_epi32(x[i + 2], x[i + 3]);
    y[i] = _mm256_unpacklo_epi64(a, c), y[i + 1] = _mm256_unpackhi_epi64(a, c);
    y[i + 2] = _mm256_unpacklo_epi64(b, d), y[i + 3] = _mm256_unpackhi_epi64(b, d);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 4; i++) {
    x[i] = _mm256_permute2x128_si256(y[i], y[i + 4], 0x20);
    x[i + 4] = _mm256_permute2x128_si256(y[i], y[i + 4], 0x31);
  }
}

}  // namespace simd
}  // namespace
