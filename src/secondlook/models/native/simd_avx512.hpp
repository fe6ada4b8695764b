// Vectors of sixteen floats: AVX-512 with VNNI, in servers since 2019 (Intel) and 2022 (AMD).
#pragma once
#if defined(__GNUC__) && !defined(__clang__)  // GCC 12 warns of undefined vectors in its own header, at each use
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif

#include <cstdint>

// No symbol may leave this unit: the linker would merge it with its twin of another instruction set.
namespace {
namespace simd {

constexpr int kWidth = 16;     // floats a vector
constexpr int kByteRows = 8;   // rows of a tile of products of bytes
constexpr int kShortRows = 8;  // rows of a tile of products of 16 bits
constexpr int kActivationLevels = 255, kWeightLevels = 127;

using Floats = __m512;
using Ints = __m512i;

inline Floats zero() { return _mm512_setzero_ps(); }
inline Floats broadcast(float x) { return _mm512_set1_ps(x); }
inline Floats load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Floats x) { _mm512_storeu_ps(p, x); }
inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
inline Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
inline Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats minimum(Floats a, Floats b) { return _mm512_min_ps(a, b); }
inline Floats maximum(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats magnitude(Floats a) { return _mm512_abs_ps(a); }
inline float sum_of(Floats a) { return _mm512_reduce_add_ps(a); }
inline float min_of(Floats a) { return _mm512_reduce_min_ps(a); }
inline float max_of(Floats a) { return _mm512_reduce_max_ps(a); }
inline Floats to_floats(Ints a) { return _mm512_cvtepi32_ps(a); }

// x - floor(x).
inline Floats fraction(Floats x) { return _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
// p * 2^floor(x).
inline Floats times_power(Floats p, Floats x) { return _mm512_scalef_ps(p, x); }

// Floats between 0 and 255, rounded to bytes.
inline void store_bytes(uint8_t* p, Floats x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(x)));
}

// Floats rounded to 16 bits; returns them as they were stored.
inline Ints store_shorts(int16_t* p, Floats x) {
  const Ints i = _mm512_cvtps_epi32(x);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtsepi32_epi16(i));
  return i;
}

// Two rows rounded to 16 bits, each number of the first beside that of the second.
inline void store_pairs(int16_t* p, Floats first, Floats second) {
  _mm512_storeu_si512(p, _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_cvtps_epi32(first),
                                                 _mm512_slli_epi32(_mm512_cvtps_epi32(second), 16)));
}

inline Ints add_ints(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
inline Ints int_zero() { return _mm512_setzero_si512(); }
inline Ints load_ints(const void* p) { return _mm512_loadu_si512(p); }
inline void store_ints(void* p, Ints x) { _mm512_storeu_si512(p, x); }
inline Ints broadcast_four_bytes(const void* bytes) {
  int32_t bits;
  __builtin_memcpy(&bits, bytes, 4);
  return _mm512_set1_epi32(bits);
}

// Inline assembly, since GCC 12 keeps copies of all sums in memory around the intrinsics, at half the speed.
// sum += the dot products of four bytes a lane: a unsigned, b signed.
inline void dot_bytes(Ints& sum, Ints a, Ints b) { asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b)); }
// sum += the dot products of two numbers of 16 bits a lane.
inline void dot_shorts(Ints& sum, Ints a, Ints b) { asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b)); }

inline void dot_eight(Ints& sum, Ints a0, Ints b0, Ints a1, Ints b1) {
  dot_bytes(sum, a0, b0);
  dot_bytes(sum, a1, b1);
}

// The first `count` lanes of x, the rest of them `other`.
inline Floats first_lanes(Floats x, int count, Floats other) {
  return count < kWidth ? _mm512_mask_mov_ps(other, __mmask16((1 << count) - 1), x) : x;
}

// Rows become columns.
inline void transpose(Ints (&x)[16]) {
  Ints y[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {
    const Ints a = _mm512_unpacklo_epi32(x[i], x[i + 1]), b = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    const Ints c = _mm512_unpacklo_epi32(x[i + 2], x[i + 3]), d = _mm512_unpackhi_epi32(x[i + 2], x[i + 3]);
    y[i] = _mm512_unpacklo_epi64(a, c), y[i + 1] = _mm512_unpackhi_epi64(a, c);
    y[i + 2] = _mm512_unpacklo_epi64(b, d), y[i + 3] = _mm512_unpackhi_epi64(b, d);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 4; i++) {
    const Ints a = _mm512_shuffle_i32x4(y[i], y[i + 4], 0x88), b = _mm512_shuffle_i32x4(y[i], y[i + 4], 0xdd);
    const Ints c = _mm512_shuffle_i32x4(y[i + 8], y[i + 12], 0x88), d = _mm512_shuffle_i32x4(y[i + 8], y[i + 12], 0xdd);
    x[i] = _mm512_shuffle_i32x4(a, c, 0x88), x[i + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
    x[i + 8] = _mm512_shuffle_i32x4(a, c, 0xdd), x[i + 12] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
}

}  // namespace simd
}  // namespace
