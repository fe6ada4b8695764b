// Linear layers on bytes. Weights are int8 (127 levels either way with VNNI, 63 without), with a scale for each output
// channel and group of inputs.
#pragma once
#include "levels.hpp"

namespace {

constexpr int kBlock = 2 * kWidth;  // output channels of a tile
constexpr int kCacheLine = 64;      // bytes

// Prefetches memory into the second-level cache in equal parts, between pieces of other work.
class Prefetcher {
 public:
  // Below four parts the work is too short to hide anything.
  Prefetcher(const int8_t* from, size_t bytes, int parts)
      : next_(from), left_(parts > 3 ? bytes : 0), part_(parts > 3 ? bytes / parts + kCacheLine : 0) {}

  void advance() {
    const size_t bytes = part_ < left_ ? part_ : left_;
    for (size_t at = 0; at < bytes; at += kCacheLine) __builtin_prefetch(next_ + at, 0, 2);
    next_ += bytes, left_ -= bytes;
  }

 private:
  const int8_t* next_;
  size_t left_, part_;
};

// out = input * weights^T + bias, the weights laid out in blocks of kBlock channels and steps of four inputs.
class Linear {
 public:
  // norm: the layer norm that produces the inputs, if their channels differ in size and need smoothing; or null.
  void set(const float* weights, const float* bias, int outputs, int inputs, const Norm* norm = nullptr) {
    outputs_ = outputs, inputs_ = inputs, group_ = group_of(inputs);
    if (norm) set_smoothing(weights, *norm);
    const int groups = inputs / group_;
    levels_.reserve(size_t(outputs) * inputs);
    scale_.reserve(size_t(groups) * outputs), sums_.reserve(size_t(groups) * outputs);
    std::memcpy(bias_.reserve(outputs), bias, sizeof(float) * outputs);
    for (int n = 0; n < outputs; n++)
      for (int g = 0; g < groups; g++) set_group(weights + size_t(n) * inputs, n, g);
  }

  // The factor of each input, which the caller applies before quantising; null for none.
  const float* smoothing() const { return smoothing_.get(); }

  // Calls sink(row, channel, values) for kWidth channels at a time, from channel `from` up to `to`.
  template <class Sink>
  void apply(const Quantised& in, int rows, int from, int to, Sink sink) const {
    apply(in, rows, from, to, sink, [](int, int, int) {});
  }

  // x [rows, outputs] += input * weights^T + bias.
  void add_to(float* x, const Quantised& in, int rows) const {
    const size_t width = outputs_;
    apply(in, rows, 0, outputs_,
          [=](int row, int channel, Floats y) {
            float* at = x + row * width + channel;
            store(at, add(load(at), y));
          },
          [=](int row, int count, int channel) {
            for (int i = 0; i < count; i++)
              for (int at = 0; at < kBlock; at += kCacheLine / int(sizeof(float)))
                __builtin_prefetch(x + (row + i) * width + channel + at, 1);
          });
  }

 private:
  // before(row, rows, channel) runs before each tile.
  template <class Sink, class Before>
  void apply(const Quantised& in, int rows, int from, int to, Sink sink, Before before) const {
    const size_t panel = size_t(inputs_) * kBlock;
    for (int block = from / kBlock; block < to / kBlock; block++) {
      const bool last = block + 1 == to / kBlock;
      Prefetcher next_panel(levels_.get() + (block + 1) * panel, last ? 0 : panel, rows / kByteRows);
      int row = 0;
      for (; row + kByteRows <= rows; row += kByteRows) {
        before(row, kByteRows, block * kBlock);
        next_panel.advance();
        tile<kByteRows>(in, row, block, sink);
      }
      remaining_rows<kByteRows - 1>(in, row, rows - row, block, sink);
    }
  }

  // SmoothQuant (Xiao et al., ICML 2023) at alpha 0.5. It needs no texts to measure the activations on: after a layer
  // norm their size follows well enough from its gain and bias.
  void set_smoothing(const float* weights, const Norm& norm) {
    float* smoothing = smoothing_.reserve(inputs_);
    double sum = 0;
    for (int k = 0; k < inputs_; k++) {
      float largest = kMinScale;
      for (int n = 0; n < outputs_; n++) largest = fmaxf(largest, fabsf(weights[size_t(n) * inputs_ + k]));
      smoothing[k] = sqrtf(largest / fmaxf(fabsf(norm.bias[k]) + 2 * fabsf(norm.gain[k]), kMinScale));
      sum += logf(smoothing[k]);
    }
    const float mean = expf(float(sum / inputs_));
    for (int k = 0; k < inputs_; k++) smoothing[k] = fminf(fmaxf(smoothing[k] / mean, 0.1f), 10.f);
  }

  // The levels and the scale of one output channel's weights in one group of inputs.
  void set_group(const float* row, int n, int g) {
    const float* smoothing = smoothing_.get();
    const auto smoothed = [=](int k) { return smoothing ? row[k] / smoothing[k] : row[k]; };
    float largest = kMinScale;
    for (int k = g * group_; k < (g + 1) * group_; k++) largest = fmaxf(largest, fabsf(smoothed(k)));
    const float scale = largest / kWeightLevels;
    int8_t* levels = levels_.get() + size_t(n / kBlock) * inputs_ * kBlock + (n % kBlock) * 4;
    long total = 0;
    for (int k = g * group_; k < (g + 1) * group_; k++) {
      const int level = int(lrintf(smoothed(k) / scale));
      total += level;
      levels[size_t(k / 4) * kBlock * 4 + k % 4] = int8_t(level);
    }
    scale_.get()[size_t(g) * outputs_ + n] = scale;
    sums_.get()[size_t(g) * outputs_ + n] = scale * float(total);
  }

  template <int kRows, class Sink>
  void remaining_rows(const Quantised& in, int row, int rows, int block, Sink& sink) const {
    if constexpr (kRows > 0) {
      if (rows == kRows)
        tile<kRows>(in, row, block, sink);
      else
        remaining_rows<kRows - 1>(in, row, rows, block, sink);
    }
  }

  template <int kRows, class Sink>
  __attribute__((noinline)) void tile(const Quantised& in, int row, int block, Sink& sink) const {
    const int groups = inputs_ / group_, n = block * kBlock;
    Floats out[kRows][2];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; i++) out[i][0] = load(bias_.get() + n), out[i][1] = load(bias_.get() + n + kWidth);
    for (int g = 0; g < groups; g++) {
      Ints sums[kRows][2];
      multiply<kRows>(in.levels + size_t(row) * inputs_ + g * group_,
                      levels_.get() + (size_t(block) * inputs_ + g * group_) * kBlock, sums);
      const size_t at = size_t(g) * outputs_ + n;
      const Floats scale0 = load(scale_.get() + at), scale1 = load(scale_.get() + at + kWidth);
      const Floats sum0 = load(sums_.get() + at), sum1 = load(sums_.get() + at + kWidth);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) {
        const size_t group = size_t(row + i) * groups + g;
        const Floats low = broadcast(in.low[group]), scale = broadcast(in.scale[group]);
        out[i][0] = fma(mul(to_floats(sums[i][0]), scale0), scale, fma(sum0, low, out[i][0]));
        out[i][1] = fma(mul(to_floats(sums[i][1]), scale1), scale, fma(sum1, low, out[i][1]));
      }
    }
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++)
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) sink(row + i, n + half * kWidth, out[i][half]);
  }

  template <int kRows>
  inline void multiply(const uint8_t* a, const int8_t* b, Ints (&sums)[kRows][2]) const {
    const int width = inputs_, size = group_;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; i++) sums[i][0] = sums[i][1] = int_zero();
    for (int k = 0; k < size; k += 8, b += 8 * kBlock) {
      const Ints b00 = load_ints(b), b01 = load_ints(b + 2 * kBlock);
      const Ints b10 = load_ints(b + 4 * kBlock), b11 = load_ints(b + 6 * kBlock);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) {
        const Ints a0 = broadcast_four_bytes(a + size_t(i) * width + k);
        const Ints a1 = broadcast_four_bytes(a + size_t(i) * width + k + 4);
        dot_eight(sums[i][0], a0, b00, a1, b10);
        dot_eight(sums[i][1], a0, b01, a1, b11);
      }
    }
  }

  int outputs_ = 0, inputs_ = 0, group_ = 0;
  Buffer<int8_t> levels_;
  Buffer<float> scale_, sums_;  // [groups, outputs]; sums of a group's weights
  Buffer<float> bias_, smoothing_;
};

}  // namespace
