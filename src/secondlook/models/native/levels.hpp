// Activations as bytes: quantised token by token with a zero point and a scale for each group of inputs.
#pragma once
#include <math.h>

#include <cstdint>
#include <cstring>

#include "buffer.hpp"

namespace {

using namespace simd;

constexpr int kMaxGroup = 192;       // inputs that share a scale, at most
constexpr int kWidthMultiple = 32;   // every width is a multiple of this, on all instruction sets
constexpr float kMinScale = 1e-12f;  // so that all-zero inputs have a finite inverse

// std::min is a template with external linkage, which the linker would merge across instruction sets.
inline int smaller(int a, int b) { return a < b ? a : b; }
inline int rounded_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

// The inputs that share a scale: the largest divisor of `inputs` up to kMaxGroup that is a multiple of kWidthMultiple.
inline int group_of(int inputs) {
  int group = smaller(kMaxGroup, inputs);
  while (inputs % group || group % kWidthMultiple) group--;
  return group;
}

// Rows of bytes; in group g of row r they stand for low + scale * level, both at [r * groups + g].
struct Quantised {
  uint8_t* levels;
  float *scale, *low;
  int inputs, group;

  int groups() const { return inputs / group; }
  Quantised from_row(size_t row) const {
    return {levels + row * inputs, scale + row * groups(), low + row * groups(), inputs, group};
  }
  void copy_row(const Quantised& other, size_t from, size_t to) const {
    const Quantised source = other.from_row(from), target = from_row(to);
    std::memcpy(target.levels, source.levels, inputs);
    std::memcpy(target.scale, source.scale, sizeof(float) * groups());
    std::memcpy(target.low, source.low, sizeof(float) * groups());
  }
};

struct QuantisedBuffer {
  Buffer<uint8_t> levels;
  Buffer<float> scale, low;

  Quantised reserve(size_t rows, int inputs) {
    const int group = group_of(inputs);
    const size_t scales = rows * (inputs / group);
    return {levels.reserve(rows * inputs), scale.reserve(scales), low.reserve(scales), inputs, group};
  }
  size_t bytes() const { return levels.bytes() + scale.bytes() + low.bytes(); }
  void release() { levels.release(), scale.release(), low.release(); }
};

// Quantises group g of a row, whose smoothed inputs lie between `lowest` and `highest`. The inputs are
// x[i] * smoothing[i], or x[i] where smoothing is null.
inline void quantise_between(const float* x, const float* smoothing, Floats lowest, Floats highest,
                             const Quantised& to, size_t row, int g) {
  const float low = min_of(lowest);
  float scale = (max_of(highest) - low) / kActivationLevels;
  if (!(scale > kMinScale)) scale = kMinScale;  // also true of NaN
  const Floats inverse = broadcast(1 / scale), shift = broadcast(-low / scale);
  uint8_t* levels = to.levels + row * to.inputs + g * to.group;
  for (int i = 0; i < to.group; i += kWidth) {
    const Floats smoothed = smoothing ? mul(load(x + i), load(smoothing + i)) : load(x + i);
    store_bytes(levels + i, fma(smoothed, inverse, shift));
  }
  to.scale[row * to.groups() + g] = scale;
  to.low[row * to.groups() + g] = low;
}

// The range includes 0, so that a group of equal inputs keeps its value.
inline void quantise_group(const float* x, const Quantised& to, size_t row, int g) {
  Floats lowest = zero(), highest = zero();
  for (int i = 0; i < to.group; i += kWidth) {
    lowest = minimum(lowest, load(x + i));
    highest = maximum(highest, load(x + i));
  }
  quantise_between(x, nullptr, lowest, highest, to, row, g);
}

inline void quantise_row(const float* x, const Quantised& to, size_t row) {
  for (int g = 0; g < to.groups(); g++) quantise_group(x + g * to.group, to, row, g);
}

struct Norm {
  const float *gain, *bias;
};

// Layer norm of one row in place, and its levels.
inline void layer_norm_and_quantise(float* x, const Norm& norm, float epsilon, const float* smoothing,
                                    const Quantised& to, size_t row) {
  const int size = to.inputs;
  Floats total = zero();
  for (int i = 0; i < size; i += kWidth) total = add(total, load(x + i));
  const float mean = sum_of(total) / size;
  Floats squares = zero();
  for (int i = 0; i < size; i += kWidth) {
    const Floats centred = sub(load(x + i), broadcast(mean));
    squares = fma(centred, centred, squares);
  }
  const float inverse = 1 / sqrtf(sum_of(squares) / size + epsilon);
  const Floats scale = broadcast(inverse), shift = broadcast(-mean * inverse);
  for (int g = 0, at = 0; g < to.groups(); g++) {
    const int start = at;
    Floats lowest = zero(), highest = zero();
    for (; at < start + to.group; at += kWidth) {
      const Floats y = fma(fma(load(x + at), scale, shift), load(norm.gain + at), load(norm.bias + at));
      store(x + at, y);
      const Floats smoothed = smoothing ? mul(y, load(smoothing + at)) : y;
      lowest = minimum(lowest, smoothed);
      highest = maximum(highest, smoothed);
    }
    quantise_between(x + start, smoothing ? smoothing + start : nullptr, lowest, highest, to, row, g);
  }
}

}  // namespace
