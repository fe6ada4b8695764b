// Products of bytes and of 16 bits by VNNI on vectors of eight: AVX-VNNI, in desktops since 2021 (Intel) and 2024 (AMD).
#pragma once
#include "simd_avx2.hpp"

namespace {
namespace simd {

constexpr int kActivationLevels = 255, kWeightLevels = 127;
constexpr int kByteRows = 6;   // rows of a tile of products of bytes
constexpr int kShortRows = 6;  // rows of a tile of products of 16 bits

// sum += the dot products of eight bytes a lane: a unsigned, b signed.
inline void dot_eight(Ints& sum, Ints a0, Ints b0, Ints a1, Ints b1) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(a0), "x"(b0));
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(a1), "x"(b1));
}

// sum += the dot products of two numbers of 16 bits a lane.
inline void dot_shorts(Ints& sum, Ints a, Ints b) { asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b)); }

}  // namespace simd
}  // namespace
