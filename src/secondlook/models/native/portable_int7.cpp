#define SECONDLOOK_INT7
#include "simd_portable.hpp"

#include "encoder.hpp"

Encoder* make_portable_int7(const Shape& shape, const Tables& tables) { return new PackedEncoder(shape, tables); }
float multiply_portable_int7(int rows, int inputs, int outputs, int times) {
  return multiply_levels(rows, inputs, outputs, times);
}
