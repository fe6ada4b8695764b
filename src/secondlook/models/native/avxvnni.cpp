#include "dot_avxvnni.hpp"

#include "encoder.hpp"

Encoder* make_avxvnni(const Shape& shape, const Tables& tables) { return new PackedEncoder(shape, tables); }
float multiply_avxvnni(int rows, int inputs, int outputs, int times) {
  return multiply_levels(rows, inputs, outputs, times);
}
