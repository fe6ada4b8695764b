// A BERT or XLM-RoBERTa encoder without padding: the linear layers run over the tokens of several
// sequences at once, attention runs within each.
//
// Weights are int8 (63 levels either way), activations are quantised token by token to 7 bits with a zero
// point, so that a token comes out the same in any company; both have a scale for each group of inputs.
// All else is float32.
// Included by one unit for each instruction set, after the vectors of that set.
#pragma once
#include <math.h>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "gelu.hpp"
#include "interface.hpp"

namespace {

using namespace simd;

constexpr int kBlock = 2 * kWidth;       // output channels of a tile
constexpr int kWeightLevels = 63;
constexpr int kActivationLevels = 127;
constexpr int kFeedForwardRows = 128;    // tokens whose wide activations stay in cache
constexpr int kGroup = 192;              // inputs that share a scale, at most
constexpr int kTile = 32;                // every width is a multiple, on all instruction sets

inline int smaller(int a, int b) { return a < b ? a : b; }
inline int rounded_up(int n, int to) { return (n + to - 1) / to * to; }

// Memory that is aligned, grows, and is freed with its owner.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }
  T* fit(size_t count) {
    if (count > count_) {
      std::free(data_);
      count_ = count;
      data_ = static_cast<T*>(std::aligned_alloc(64, (count * sizeof(T) + 127) / 64 * 64));
      if (!data_) count_ = 0, throw OutOfMemory();
    }
    return data_;
  }
  T* get() const { return data_; }

 private:
  T* data_ = nullptr;
  size_t count_ = 0;
};

inline float sum_of(Floats x) {
  alignas(64) float lanes[kWidth];
  store(lanes, x);
  float total = 0;
  for (float lane : lanes) total += lane;
  return total;
}

inline float least_of(Floats x) {
  alignas(64) float lanes[kWidth];
  store(lanes, x);
  float found = lanes[0];
  for (float lane : lanes) found = lane < found ? lane : found;
  return found;
}

inline float most_of(Floats x) {
  alignas(64) float lanes[kWidth];
  store(lanes, x);
  float found = lanes[0];
  for (float lane : lanes) found = lane > found ? lane : found;
  return found;
}

// 2^x for x <= 0, to six digits: the whole part by its bits, the rest by its Taylor series.
inline Floats exp2_negative(Floats x) {
  x = most(x, all(-126.f));
  const Floats whole = nearest(x), rest = fma(whole, all(-1.f), x);
  Floats p = all(0.00133336f);
  p = fma(p, rest, all(0.00961813f));
  p = fma(p, rest, all(0.05550411f));
  p = fma(p, rest, all(0.24022651f));
  p = fma(p, rest, all(0.69314718f));
  return mul(fma(p, rest, all(1.f)), power_of_two(whole));
}

// x * Phi(x); erf(x / sqrt 2) / x is a polynomial in x^2 (fitted, see benchmarks/speed/fit_gelu.py), constant past 4.5.
inline Floats gelu(Floats x) {
  const Floats t = least(most(x, all(-kGeluEdge)), all(kGeluEdge)), u = mul(t, t);
  Floats p = all(kGelu[kGeluTerms - 1]);
  for (int i = kGeluTerms - 2; i >= 0; i--) p = fma(p, u, all(kGelu[i]));
  const Floats half = mul(x, all(0.5f));
  return fma(mul(p, t), half, half);
}

// The inputs that share a scale: the largest part of `inputs` up to kGroup, whole tiles.
inline int group_of(int inputs) {
  int group = smaller(kGroup, inputs);
  while (inputs % group || group % kTile) group--;
  return group;
}

// Rows of bytes; in group g of row r they stand for low + scale * level, both at [r * groups + g].
struct Quantised {
  uint8_t* levels;
  float* scale;
  float* low;
};

// `ease` [size] is what each input is multiplied by before; the weights that it meets were divided by it.
inline void quantise_row(const float* x, const float* ease, int size, const Quantised& to, size_t row) {
  const int group = group_of(size), groups = size / group;
  uint8_t* levels = to.levels + row * size;
  for (int g = 0; g < groups; g++, x += group, ease += group, levels += group) {
    Floats least_yet = zero(), most_yet = zero();
    for (int i = 0; i < group; i += kWidth) {
      const Floats eased = mul(load(x + i), load(ease + i));
      least_yet = least(least_yet, eased);
      most_yet = most(most_yet, eased);
    }
    const float low = least_of(least_yet);
    float scale = (most_of(most_yet) - low) / kActivationLevels;
    if (!(scale > 1e-12f)) scale = 1e-12f;
    const Floats inverse = all(1 / scale), shift = all(-low / scale);
    for (int i = 0; i < group; i += kWidth)
      store_bytes(levels + i, fma(mul(load(x + i), load(ease + i)), inverse, shift));
    to.scale[row * groups + g] = scale;
    to.low[row * groups + g] = low;
  }
}

struct Norm {
  const float *gain, *bias;
};

// out = input * weights^T + bias, the weights laid out in blocks of kBlock channels and steps of four inputs.
class Linear {
 public:
  // Norm: the one that the inputs come out of, if they do; its channels differ in size, and are evened out.
  void set(const float* weights, const float* bias, int outputs, int inputs, const Norm* norm = nullptr) {
    outputs_ = outputs, inputs_ = inputs, group_ = group_of(inputs);
    set_ease(weights, norm);
    const int groups = inputs / group_;
    int8_t* levels = levels_.fit(size_t(outputs) * inputs);
    float* kept = bias_.fit(outputs);
    scale_.fit(size_t(groups) * outputs), sums_.fit(size_t(groups) * outputs);
    for (int n = 0; n < outputs; n++) {
      kept[n] = bias[n];
      for (int g = 0; g < groups; g++) set_group(weights + size_t(n) * inputs, n, g, levels);
    }
  }

  const float* ease() const { return ease_.get(); }

  // done(row, channel, values) for kWidth channels at a time, from channel `from` up to `to`.
  template <class Done>
  void apply(const Quantised& in, int rows, int from, int to, Done done) const {
    for (int block = from / kBlock; block < to / kBlock; block++) {
      int row = 0;
      for (; row + kIntRows <= rows; row += kIntRows) tile<kIntRows>(in, row, block, done);
      rest<kIntRows - 1>(in, row, rows - row, block, done);
    }
  }

  template <class Done>
  void apply(const Quantised& in, int rows, Done done) const {
    apply(in, rows, 0, outputs_, done);
  }

 private:
  // SmoothQuant (Xiao et al., ICML 2023) at alpha 0.5, without texts to measure the activations on: behind a norm,
  // their size is known well enough from its gain and bias.
  void set_ease(const float* weights, const Norm* norm) {
    float* ease = ease_.fit(inputs_);
    double sum = 0;
    for (int k = 0; k < inputs_; k++) {
      float largest = 1e-12f;
      for (int n = 0; n < outputs_; n++) largest = fmaxf(largest, fabsf(weights[size_t(n) * inputs_ + k]));
      ease[k] = norm ? sqrtf(largest / fmaxf(fabsf(norm->bias[k]) + 2 * fabsf(norm->gain[k]), 1e-12f)) : 1;
      sum += logf(ease[k]);
    }
    const float mean = expf(float(sum / inputs_));
    for (int k = 0; k < inputs_; k++) ease[k] = fminf(fmaxf(ease[k] / mean, 0.1f), 10.f);
  }

  // The levels and the scale of one output channel's weights in one group of inputs.
  void set_group(const float* row, int n, int g, int8_t* levels) {
    const float* ease = ease_.get();
    float largest = 1e-12f;
    for (int k = g * group_; k < (g + 1) * group_; k++) largest = fmaxf(largest, fabsf(row[k] / ease[k]));
    const float scale = largest / kWeightLevels;
    long total = 0;
    for (int k = g * group_; k < (g + 1) * group_; k++) {
      const int level = int(lrintf(row[k] / ease[k] / scale));
      total += level;
      levels[size_t(n / kBlock) * inputs_ * kBlock + size_t(k / 4) * kBlock * 4 + (n % kBlock) * 4 + k % 4] =
          int8_t(level);
    }
    scale_.get()[size_t(g) * outputs_ + n] = scale;
    sums_.get()[size_t(g) * outputs_ + n] = scale * float(total);
  }

  template <int kRows, class Done>
  void rest(const Quantised& in, int row, int rows, int block, Done& done) const {
    if constexpr (kRows > 0) {
      if (rows == kRows)
        tile<kRows>(in, row, block, done);
      else
        rest<kRows - 1>(in, row, rows, block, done);
    }
  }

  template <int kRows, class Done>
  __attribute__((noinline)) void tile(const Quantised& in, int row, int block, Done& done) const {
    const int groups = inputs_ / group_, n = block * kBlock;
    Floats out[kRows][2];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; i++) out[i][0] = load(bias_.get() + n), out[i][1] = load(bias_.get() + n + kWidth);
    for (int g = 0; g < groups; g++) {
      Ints sums[kRows][2];
      multiply<kRows>(in.levels + size_t(row) * inputs_ + g * group_,
                      levels_.get() + (size_t(block) * inputs_ + g * group_) * kBlock, sums);
      for (int half = 0; half < 2; half++) {
        const size_t at = size_t(g) * outputs_ + n + half * kWidth;
        const Floats scale = load(scale_.get() + at), sum = load(sums_.get() + at);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; i++) {
          const size_t own = size_t(row + i) * groups + g;
          const Floats shift = fma(sum, all(in.low[own]), out[i][half]);
          out[i][half] = fma(mul(to_floats(sums[i][half]), scale), all(in.scale[own]), shift);
        }
      }
    }
    for (int half = 0; half < 2; half++)
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) done(row + i, n + half * kWidth, out[i][half]);
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
        const Ints a0 = all_ints(a + size_t(i) * width + k), a1 = all_ints(a + size_t(i) * width + k + 4);
        sums[i][0] = dot_eight(sums[i][0], a0, b00, a1, b10);
        sums[i][1] = dot_eight(sums[i][1], a0, b01, a1, b11);
      }
    }
  }

  int outputs_ = 0, inputs_ = 0, group_ = 0;
  Buffer<int8_t> levels_;
  Buffer<float> scale_, sums_, bias_, ease_;  // the first two [groups, outputs]
};

struct Layer {
  Linear joint, output, wide, narrow;  // queries, keys and values in one; attention's output; feed-forward
  Norm attended, done;
};

// What one thread works in.
struct Space {
  Buffer<float> hidden, joint, context, wide, keys, values, logits, first;
  Buffer<uint8_t> levels, wide_levels, first_levels;
  Buffer<float> scale, low, wide_scale, wide_low, first_scale, first_low;
};

class PackedEncoder final : public Encoder {
 public:
  explicit PackedEncoder(const Shape& shape, const Tables& tables)
      : shape_(shape), tables_(tables), layers_(new Layer[shape.layers]), head_size_(shape.hidden / shape.heads) {}
  ~PackedEncoder() override { delete[] layers_; }

  void set_layer(int at, const LayerWeights& w) override {
    Layer& layer = layers_[at];
    const int h = shape_.hidden, f = shape_.inner;
    layer.attended = {w.attended_gain, w.attended_shift};
    layer.done = {w.done_gain, w.done_shift};
    layer.joint.set(w.joint, w.joint_bias, 3 * h, h);
    layer.output.set(w.output, w.output_bias, h, h);
    layer.wide.set(w.wide, w.wide_bias, f, h, &layer.attended);
    layer.narrow.set(w.narrow, w.narrow_bias, h, f);
  }

  void run(const Batch& batch, float* out) const override {
    Space space;
    const int tokens = batch.offsets[batch.sequences], h = shape_.hidden;
    embed(batch, tokens, space);
    for (int at = 0; at + 1 < shape_.layers; at++) layer(layers_[at], batch, tokens, space);
    const Layer& last = layers_[shape_.layers - 1];
    if (!shape_.labels) {
      layer(last, batch, tokens, space);
      std::memcpy(out, space.hidden.get(), sizeof(float) * tokens * h);
      return;
    }
    last_layer(last, batch, tokens, space);
    for (int s = 0; s < batch.sequences; s++) classify(space.first.get() + size_t(s) * h, out + s * shape_.labels);
  }

 private:
  int groups() const { return shape_.hidden / group_of(shape_.hidden); }

  Quantised quantised(Space& space, int rows) const {
    const size_t scales = size_t(rows) * groups();
    return {space.levels.fit(size_t(rows) * shape_.hidden), space.scale.fit(scales), space.low.fit(scales)};
  }

  // Layer norm of one row in place, then its levels.
  void settle(float* x, const Norm& norm, const float* ease, const Quantised& to, size_t row) const {
    const int h = shape_.hidden;
    Floats total = zero();
    for (int i = 0; i < h; i += kWidth) total = add(total, load(x + i));
    const float mean = sum_of(total) / h;
    Floats squares = zero();
    for (int i = 0; i < h; i += kWidth) {
      const Floats away = add(load(x + i), all(-mean));
      squares = fma(away, away, squares);
    }
    const float inverse = 1 / sqrtf(sum_of(squares) / h + shape_.epsilon);
    const Floats scale = all(inverse), shift = all(-mean * inverse);
    for (int i = 0; i < h; i += kWidth)
      store(x + i, fma(fma(load(x + i), scale, shift), load(norm.gain + i), load(norm.bias + i)));
    quantise_row(x, ease, h, to, row);
  }

  void embed(const Batch& batch, int tokens, Space& space) const {
    const int h = shape_.hidden;
    float* hidden = space.hidden.fit(size_t(tokens) * h);
    const Quantised levels = quantised(space, tokens);
    for (int s = 0; s < batch.sequences; s++)
      for (int t = batch.offsets[s]; t < batch.offsets[s + 1]; t++) {
        const float* word = tables_.words + size_t(batch.token_ids[t]) * h;
        const float* place = tables_.places + size_t(t - batch.offsets[s]) * h;
        const float* type = tables_.types + size_t(batch.token_types[t]) * h;
        float* x = hidden + size_t(t) * h;
        for (int i = 0; i < h; i += kWidth) store(x + i, add(add(load(word + i), load(type + i)), load(place + i)));
        settle(x, {tables_.gain, tables_.shift}, layers_[0].joint.ease(), levels, t);
      }
  }

  void layer(const Layer& layer, const Batch& batch, int tokens, Space& space) const {
    const int h = shape_.hidden, wide = 3 * h;
    float *joint = space.joint.fit(size_t(tokens) * wide), *context = space.context.fit(size_t(tokens) * h);
    const Quantised levels = quantised(space, tokens);
    layer.joint.apply(levels, tokens, [=](int m, int n, Floats x) { store(joint + size_t(m) * wide + n, x); });
    for (int s = 0; s < batch.sequences; s++) {
      const int from = batch.offsets[s], size = batch.offsets[s + 1] - from;
      const float* own = joint + size_t(from) * wide;
      attend(own, wide, size, own, size, context + size_t(from) * h, space);
    }
    finish(layer, context, space.hidden.get(), levels, tokens, space);
  }

  // The last layer, of which only the first token of each sequence is wanted.
  void last_layer(const Layer& layer, const Batch& batch, int tokens, Space& space) const {
    const int h = shape_.hidden, wide = 3 * h, count = batch.sequences;
    float *joint = space.joint.fit(size_t(tokens) * wide), *context = space.context.fit(size_t(tokens) * h);
    const Quantised levels = quantised(space, tokens);
    layer.joint.apply(levels, tokens, h, wide,
                      [=](int m, int n, Floats x) { store(joint + size_t(m) * wide + n, x); });
    float *first = space.first.fit(size_t(count) * h), *asked = space.wide.fit(size_t(count) * h);
    const size_t parts = groups();
    const Quantised own = {space.first_levels.fit(size_t(count) * h), space.first_scale.fit(count * parts),
                           space.first_low.fit(count * parts)};
    for (int s = 0; s < count; s++) {
      const size_t t = batch.offsets[s];
      std::memcpy(first + size_t(s) * h, space.hidden.get() + t * h, sizeof(float) * h);
      std::memcpy(own.levels + size_t(s) * h, levels.levels + t * h, h);
      std::memcpy(own.scale + s * parts, levels.scale + t * parts, sizeof(float) * parts);
      std::memcpy(own.low + s * parts, levels.low + t * parts, sizeof(float) * parts);
    }
    layer.joint.apply(own, count, 0, h, [=](int m, int n, Floats x) { store(asked + size_t(m) * h + n, x); });
    for (int s = 0; s < count; s++) {
      const int from = batch.offsets[s], size = batch.offsets[s + 1] - from;
      attend(asked + size_t(s) * h, h, 1, joint + size_t(from) * wide, size, context + size_t(s) * h, space);
    }
    finish(layer, context, first, own, count, space);
  }

  // Attention of `rows` queries over the `size` keys and values of one sequence, all heads.
  void attend(const float* queries, int stride, int rows, const float* joint, int size, float* out,
              Space& space) const {
    const int h = shape_.hidden, d = head_size_, wide = 3 * h, padded = rounded_up(size, kBlock);
    float* keys = space.keys.fit(size_t(d) * padded);
    float* values = space.values.fit(size_t(size) * d);
    float* logits = space.logits.fit(size_t(kFloatRows) * padded);
    for (int head = 0; head < shape_.heads; head++) {
      const float *k = joint + h + head * d, *v = joint + 2 * h + head * d;
      for (int n = 0; n < size; n++) {
        for (int i = 0; i < d; i++) keys[size_t(i) * padded + n] = k[size_t(n) * wide + i];
        std::memcpy(values + size_t(n) * d, v + size_t(n) * wide, sizeof(float) * d);
      }
      for (int i = 0; i < d; i++)
        for (int n = size; n < padded; n++) keys[size_t(i) * padded + n] = 0;
      int row = 0;
      for (; row + kFloatRows <= rows; row += kFloatRows)
        attend_rows<kFloatRows>(queries + size_t(row) * stride + head * d, stride, keys, values, size, logits,
                                out + size_t(row) * h + head * d);
      attend_rest<kFloatRows - 1>(queries + size_t(row) * stride + head * d, stride, rows - row, keys, values, size,
                                  logits, out + size_t(row) * h + head * d);
    }
  }

  template <int kRows>
  void attend_rest(const float* q, int stride, int rows, const float* keys, const float* values, int size,
                   float* logits, float* out) const {
    if constexpr (kRows > 0) {
      if (rows == kRows)
        attend_rows<kRows>(q, stride, keys, values, size, logits, out);
      else
        attend_rest<kRows - 1>(q, stride, rows, keys, values, size, logits, out);
    }
  }

  template <int kRows>
  __attribute__((noinline)) void attend_rows(const float* q, int stride, const float* keys, const float* values,
                                             int size, float* logits, float* out) const {
    const int d = head_size_, padded = rounded_up(size, kBlock);
    for (int n = 0; n < padded; n += kBlock) {
      Floats sums[kRows][2];
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) sums[i][0] = sums[i][1] = zero();
      for (int at = 0; at < d; at++) {
        const Floats k0 = load(keys + size_t(at) * padded + n), k1 = load(keys + size_t(at) * padded + n + kWidth);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; i++) {
          const Floats a = all(q[size_t(i) * stride + at]);
          sums[i][0] = fma(a, k0, sums[i][0]);
          sums[i][1] = fma(a, k1, sums[i][1]);
        }
      }
      for (int i = 0; i < kRows; i++) {
        store(logits + size_t(i) * padded + n, sums[i][0]);
        store(logits + size_t(i) * padded + n + kWidth, sums[i][1]);
      }
    }
    float inverse[kRows];
    for (int i = 0; i < kRows; i++) inverse[i] = soften(logits + size_t(i) * padded, size, padded);
    for (int at = 0; at < d; at += kBlock) {
      Floats sums[kRows][2];
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) sums[i][0] = sums[i][1] = zero();
      for (int n = 0; n < size; n++) {
        const Floats v0 = load(values + size_t(n) * d + at), v1 = load(values + size_t(n) * d + at + kWidth);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; i++) {
          const Floats p = all(logits[size_t(i) * padded + n]);
          sums[i][0] = fma(p, v0, sums[i][0]);
          sums[i][1] = fma(p, v1, sums[i][1]);
        }
      }
      for (int i = 0; i < kRows; i++) {
        store(out + size_t(i) * shape_.hidden + at, mul(sums[i][0], all(inverse[i])));
        store(out + size_t(i) * shape_.hidden + at + kWidth, mul(sums[i][1], all(inverse[i])));
      }
    }
  }

  // The row of logits becomes unscaled probabilities; what they must be divided by is returned as its inverse.
  float soften(float* row, int size, int padded) const {
    for (int n = size; n < padded; n++) row[n] = -1e30f;
    Floats largest = all(-1e30f);
    for (int n = 0; n < padded; n += kWidth) largest = most(largest, load(row + n));
    const float scale = 1.44269504f / sqrtf(float(head_size_));
    const Floats by = all(scale), shift = all(-scale * most_of(largest));
    Floats total = zero();
    for (int n = 0; n < padded; n += kWidth) {
      const Floats p = exp2_negative(fma(load(row + n), by, shift));
      store(row + n, p);
      total = add(total, p);
    }
    return 1 / sum_of(total);
  }

  // What follows attention: its output, the feed-forward network, both with their residual and norm, in place.
  void finish(const Layer& layer, const float* context, float* hidden, const Quantised& levels, int rows,
              Space& space) const {
    const int h = shape_.hidden, f = shape_.inner;
    for (int from = 0; from < rows; from += kFeedForwardRows) {
      const int count = smaller(kFeedForwardRows, rows - from);
      float* x = hidden + size_t(from) * h;
      const Quantised own = {levels.levels + size_t(from) * h, levels.scale + size_t(from) * groups(),
                             levels.low + size_t(from) * groups()};
      const auto add_to_hidden = [=](int m, int n, Floats y) {
        float* at = x + size_t(m) * h + n;
        store(at, add(load(at), y));
      };
      for (int i = 0; i < count; i++) quantise_row(context + size_t(from + i) * h, layer.output.ease(), h, own, i);
      layer.output.apply(own, count, add_to_hidden);
      for (int i = 0; i < count; i++) settle(x + size_t(i) * h, layer.attended, layer.wide.ease(), own, i);
      float* wide = space.wide.fit(size_t(kFeedForwardRows) * f);
      layer.wide.apply(own, count, [=](int m, int n, Floats y) { store(wide + size_t(m) * f + n, gelu(y)); });
      const Quantised active = {space.wide_levels.fit(size_t(kFeedForwardRows) * f),
                                space.wide_scale.fit(size_t(kFeedForwardRows) * f / group_of(f)),
                                space.wide_low.fit(size_t(kFeedForwardRows) * f / group_of(f))};
      for (int i = 0; i < count; i++) quantise_row(wide + size_t(i) * f, layer.narrow.ease(), f, active, i);
      layer.narrow.apply(active, count, add_to_hidden);
      for (int i = 0; i < count; i++) settle(x + size_t(i) * h, layer.done, layer.joint.ease(), own, i);
    }
  }

  void classify(const float* first, float* logits) const {
    const int h = shape_.hidden;
    for (int label = 0; label < shape_.labels; label++) logits[label] = tables_.label_bias[label];
    for (int n = 0; n < h; n++) {
      Floats total = zero();
      for (int i = 0; i < h; i += kWidth) total = fma(load(tables_.dense + size_t(n) * h + i), load(first + i), total);
      const float pooled = tanhf(sum_of(total) + tables_.dense_bias[n]);
      for (int label = 0; label < shape_.labels; label++) logits[label] += pooled * tables_.label[label * h + n];
    }
  }

  Shape shape_;
  Tables tables_;
  Layer* layers_;
  int head_size_;
};

// The integer product alone, for benchmarks: what the linear layers could reach at most.
inline float multiply(int rows, int inputs, int outputs, int times) {
  Buffer<float> weights, scale, low;
  Buffer<uint8_t> levels;
  float* w = weights.fit(size_t(outputs) * inputs);
  for (size_t i = 0; i < size_t(outputs) * inputs; i++) w[i] = float(int(i * 37 % 127) - kWeightLevels);
  const int scales = rows * inputs / group_of(inputs);
  const Quantised in = {levels.fit(size_t(rows) * inputs), scale.fit(scales), low.fit(scales)};
  for (size_t i = 0; i < size_t(rows) * inputs; i++) in.levels[i] = uint8_t(i * 31 % (kActivationLevels + 1));
  for (int i = 0; i < scales; i++) in.scale[i] = 1, in.low[i] = 0;
  Linear linear;
  linear.set(w, w, outputs, inputs);
  Floats total = zero();
  for (int i = 0; i < times; i++) linear.apply(in, rows, [&total](int, int, Floats x) { total = add(total, x); });
  return sum_of(total);
}

}  // namespace
