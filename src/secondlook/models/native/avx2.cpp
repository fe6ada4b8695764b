#include "simd_avx2.hpp"

#include "encoder.hpp"

Encoder* make_avx2(const Shape& shape, const Tables& tables) { return new PackedEncoder(shape, tables); }
