#include "dot_avx2.hpp"

#include "encoder.hpp"

Encoder* make_avx2(const Shape& shape, const Tables& tables) { return new PackedEncoder(shape, tables); }
float multiply_avx2(int rows, int inputs, int outputs, int times) {
  return multiply_levels(rows, inputs, outputs, times);
}
