// Vectors of sixteen floats in plain C++, for the tests: the same arithmetic as the other units, without intrinsics.
// SECONDLOOK_INT7 or SECONDLOOK_INT8 chooses the levels.
#pragma once
#include <math.h>

#include <cstdint>

// No symbol may leave this unit: the linker would merge it with its twin of another instruction set.
namespace {
namespace simd {

constexpr int kWidth = 16;     // floats a vector
constexpr int kByteRows = 4;   // rows of a tile of products of bytes
constexpr int kShortRows = 6;  // rows of a tile of products of 16 bits
#ifdef SECONDLOOK_INT8
constexpr int kActivationLevels = 255, kWeightLevels = 127;
#else
constexpr int kActivationLevels = 127, kWeightLevels = 63;
#endif

template <class T>
struct Vector {
  T lanes[kWidth];
};
using Floats = Vector<float>;
using Ints = Vector<int32_t>;

template <class T = float, class Lane>
inline Vector<T> each(Lane lane) {
  Vector<T> out;
  for (int i = 0; i < kWidth; i++) out.lanes[i] = lane(i);
  return out;
}

inline Floats broadcast(float x) {
  return each([=](int) { return x; });
}
inline Floats zero() { return broadcast(0); }
inline Floats load(const float* p) {
  return each([=](int i) { return p[i]; });
}
inline void store(float* p, const Floats& x) { __builtin_memcpy(p, x.lanes, sizeof x.lanes); }
inline Floats add(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lanes[i] + b.lanes[i]; });
}
inline Floats sub(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lanes[i] - b.lanes[i]; });
}
inline Floats mul(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lanes[i] * b.lanes[i]; });
}
inline Floats fma(const Floats& a, const Floats& b, const Floats& c) {
  return each([&](int i) { return a.lanes[i] * b.lanes[i] + c.lanes[i]; });
}
inline Floats minimum(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lanes[i] < b.lanes[i] ? a.lanes[i] : b.lanes[i]; });
}
inline Floats maximum(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lanes[i] > b.lanes[i] ? a.lanes[i] : b.lanes[i]; });
}
inline Floats magnitude(const Floats& a) {
  return each([&](int i) { return fabsf(a.lanes[i]); });
}
inline Floats to_floats(const Ints& a) {
  return each([&](int i) { return float(a.lanes[i]); });
}

inline float sum_of(const Floats& a) {
  float total = 0;
  for (float lane : a.lanes) total += lane;
  return total;
}
inline float min_of(const Floats& a) {
  float smallest = a.lanes[0];
  for (float lane : a.lanes) smallest = lane < smallest ? lane : smallest;
  return smallest;
}
inline float max_of(const Floats& a) {
  float largest = a.lanes[0];
  for (float lane : a.lanes) largest = lane > largest ? lane : largest;
  return largest;
}

// x - floor(x).
inline Floats fraction(const Floats& x) {
  return each([&](int i) { return x.lanes[i] - floorf(x.lanes[i]); });
}
// p * 2^floor(x), or next to nothing where x is below -120.
inline Floats times_power(const Floats& p, const Floats& x) {
  return each([&](int i) { return ldexpf(p.lanes[i], int(floorf(fmaxf(x.lanes[i], -120.f)))); });
}

// The nearest integer within the bounds, ties to even; the lower bound of NaN, as conversions of vectors do.
inline int32_t rounded(float x, int32_t lowest, int32_t highest) {
  return x > float(lowest) ? int32_t(lrintf(fminf(x, float(highest)))) : lowest;
}

// Floats between 0 and 255, rounded to bytes.
inline void store_bytes(uint8_t* p, const Floats& x) {
  for (int i = 0; i < kWidth; i++) p[i] = uint8_t(rounded(x.lanes[i], 0, 255));
}

// Floats rounded to 16 bits; returns them as they were stored.
inline Ints store_shorts(int16_t* p, const Floats& x) {
  const Ints shorts = each<int32_t>([&](int i) { return rounded(x.lanes[i], -32768, 32767); });
  for (int i = 0; i < kWidth; i++) p[i] = int16_t(shorts.lanes[i]);
  return shorts;
}

// Two rows rounded to 16 bits, each number of the first beside that of the second.
inline void store_pairs(int16_t* p, const Floats& first, const Floats& second) {
  for (int i = 0; i < kWidth; i++) {
    p[2 * i] = int16_t(rounded(first.lanes[i], -32768, 32767));
    p[2 * i + 1] = int16_t(rounded(second.lanes[i], -32768, 32767));
  }
}

inline Ints add_ints(const Ints& a, const Ints& b) {
  return each<int32_t>([&](int i) { return a.lanes[i] + b.lanes[i]; });
}
inline Ints int_zero() {
  return each<int32_t>([](int) { return 0; });
}
inline Ints load_ints(const void* p) {
  Ints x;
  __builtin_memcpy(x.lanes, p, sizeof x.lanes);
  return x;
}
inline void store_ints(void* p, const Ints& x) { __builtin_memcpy(p, x.lanes, sizeof x.lanes); }
inline Ints broadcast_four_bytes(const void* bytes) {
  int32_t bits;
  __builtin_memcpy(&bits, bytes, 4);
  return each<int32_t>([=](int) { return bits; });
}

// sum += the dot products of eight bytes a lane: a unsigned, b signed.
inline void dot_eight(Ints& sum, const Ints& a0, const Ints& b0, const Ints& a1, const Ints& b1) {
  for (int i = 0; i < kWidth; i++)
    for (int shift = 0; shift < 32; shift += 8) {
      sum.lanes[i] += int32_t(uint8_t(a0.lanes[i] >> shift)) * int8_t(b0.lanes[i] >> shift);
      sum.lanes[i] += int32_t(uint8_t(a1.lanes[i] >> shift)) * int8_t(b1.lanes[i] >> shift);
    }
}

// sum += the dot products of two numbers of 16 bits a lane.
inline void dot_shorts(Ints& sum, const Ints& a, const Ints& b) {
  for (int i = 0; i < kWidth; i++)
    for (int shift = 0; shift < 32; shift += 16)
      sum.lanes[i] += int32_t(int16_t(a.lanes[i] >> shift)) * int16_t(b.lanes[i] >> shift);
}

// The first `count` lanes of x, the rest of them `other`.
inline Floats first_lanes(const Floats& x, int count, const Floats& other) {
  return each([&](int i) { return i < count ? x.lanes[i] : other.lanes[i]; });
}

// Rows become columns.
inline void transpose(Ints (&x)[kWidth]) {
  for (int i = 0; i < kWidth; i++)
    for (int j = 0; j < i; j++) {
      const int32_t lane = x[i].lanes[j];
      x[i].lanes[j] = x[j].lanes[i], x[j].lanes[i] = lane;
    }
}

}  // namespace simd
}  // namespace
