#include "simd_avx512.hpp"

#include "encoder.hpp"

Encoder* make_avx512(const Shape& shape, const Tables& tables) { return new PackedEncoder(shape, tables); }
