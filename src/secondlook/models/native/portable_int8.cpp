#define SECONDLOOK_INT8
#include "simd_portable.hpp"

#include "encoder.hpp"

Encoder* make_portable_int8(const Shape& shape, const Tables& tables) { return new PackedEncoder(shape, tables); }
float multiply_portable_int8(int rows, int inputs, int outputs, int times) {
  return multiply_levels(rows, inputs, outputs, times);
}
