// Attention within one sequence, head by head, in 16 bits with one scale for all queries, keys and values of a head:
// a hundred times finer than the levels of the linear layers, and twice as fast as floats.
#pragma once
#include "functions.hpp"
#include "linear.hpp"

namespace {

constexpr float kTwoTo31 = 2147483648.f;
constexpr int kMaxInt16 = 32767;
constexpr int kMaxValueLevel = 16383;
// A row of probability levels may add up to 2^31 / kMaxValueLevel, less what rounding adds: half a level for each token
// and some for the sums of floats. Otherwise equal values of a uniform row overflow.
constexpr int kMaxProbabilityLevels = 131060;
constexpr float kLog2E = 1.44269504f;
constexpr float kMasked = -1e30f;

// What one thread works in.
struct AttentionWorkspace {
  Buffer<int16_t> queries, rows, keys, values, probabilities;
  Buffer<float> logits;

  size_t bytes() const {
    return queries.bytes() + rows.bytes() + keys.bytes() + values.bytes() + probabilities.bytes() + logits.bytes();
  }
  void release() {
    queries.release(), rows.release(), keys.release(), values.release(), probabilities.release(), logits.release();
  }
};

class Attention {
 public:
  // head_size: of one head; its largest products of queries and keys fit into 32 bits.
  explicit Attention(int head_size)
      : size_(head_size), max_level_(fminf(kMaxInt16, floorf(sqrtf(kTwoTo31 / float(head_size))) - 1)) {}

  // One head of one sequence. qkv is [tokens][3 * head size]: query, key and value of each token. Writes the context of
  // the first `rows` tokens; out has `stride` floats a row.
  void run(const float* qkv, int tokens, int rows, float* out, int stride, AttentionWorkspace& space) const {
    const int d = size_, padded = rounded_up(tokens, kWidth);
    int16_t* queries = space.queries.reserve(size_t(d) * rows);
    int16_t* keys = space.keys.reserve(size_t(d) * padded);
    int16_t* values = space.values.reserve(size_t(d) * padded);
    Head head;
    head.tokens = tokens, head.padded = padded, head.stride = stride;
    head.keys = keys, head.values = values;
    head.probabilities = space.probabilities.reserve(size_t(kShortRows) * padded);
    head.logits = space.logits.reserve(size_t(kShortRows) * padded);
    const float query_scale = pack_rows(qkv, rows, queries);
    const float key_scale = pack_keys(qkv + d, tokens, padded, keys, space);
    head.value_scale = pack_values(qkv + 2 * d, tokens, values);
    head.logit_scale = query_scale * key_scale * kLog2E / sqrtf(float(d));
    int row = 0;
    for (; row + kShortRows <= rows; row += kShortRows)
      attend<kShortRows>(queries + size_t(row) * d, head, out + size_t(row) * stride);
    remaining_rows<kShortRows - 1>(queries + size_t(row) * d, rows - row, head, out + size_t(row) * stride);
  }

 private:
  // One head of a sequence, and room for a tile of rows.
  struct Head {
    int tokens, padded, stride;
    const int16_t* keys;            // [size / 2][padded][2]
    const int16_t* values;          // [tokens / 2, rounded up][size][2]
    int16_t* probabilities;         // [rows][padded], as levels
    float* logits;                  // [rows][padded], as powers of two
    float logit_scale, value_scale; // what a level of the logits and of the values is worth
  };

  // What a level is worth when the largest magnitude in `rows` rows gets `max_level`.
  float level_size(const float* x, int rows, float max_level) const {
    const int stride = 3 * size_;
    Floats largest = zero();
    for (int n = 0; n < rows; n++)
      for (int i = 0; i < size_; i += kWidth) largest = maximum(largest, magnitude(load(x + size_t(n) * stride + i)));
    return fmaxf(max_of(largest), kMinScale) / max_level;
  }

  float pack_rows(const float* x, int rows, int16_t* to) const {
    const int stride = 3 * size_;
    const float scale = level_size(x, rows, max_level_);
    const Floats inverse = broadcast(1 / scale);
    for (int n = 0; n < rows; n++, to += size_)
      for (int i = 0; i < size_; i += kWidth) store_shorts(to + i, mul(load(x + size_t(n) * stride + i), inverse));
    return scale;
  }

  // Pairs of inputs side by side, token by token: [size / 2][padded][2].
  float pack_keys(const float* x, int tokens, int padded, int16_t* keys, AttentionWorkspace& space) const {
    int16_t* rows = space.rows.reserve(size_t(padded) * size_);
    const float scale = pack_rows(x, tokens, rows);
    std::memset(rows + size_t(tokens) * size_, 0, size_t(padded - tokens) * size_ * sizeof(int16_t));
    for (int n = 0; n < padded; n += kWidth)
      for (int pair = 0; pair < size_ / 2; pair += kWidth) {
        Ints square[kWidth];
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; i++) square[i] = load_ints(rows + size_t(n + i) * size_ + 2 * pair);
        transpose(square);
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; i++) store_ints(keys + (size_t(pair + i) * padded + n) * 2, square[i]);
      }
    return scale;
  }

  // Pairs of tokens side by side, value by value: [tokens / 2, rounded up][size][2].
  float pack_values(const float* x, int tokens, int16_t* values) const {
    const int stride = 3 * size_;
    const float scale = level_size(x, tokens, kMaxValueLevel);
    const Floats inverse = broadcast(1 / scale);
    for (int n = 0; n < tokens; n += 2, values += 2 * size_)
      for (int i = 0; i < size_; i += kWidth) {
        const float* first = x + size_t(n) * stride + i;
        const Floats second = n + 1 < tokens ? load(first + stride) : zero();
        store_pairs(values + 2 * i, mul(load(first), inverse), mul(second, inverse));
      }
    return scale;
  }

  template <int kRows>
  void remaining_rows(const int16_t* queries, int rows, const Head& head, float* out) const {
    if constexpr (kRows > 0) {
      if (rows == kRows)
        attend<kRows>(queries, head, out);
      else
        remaining_rows<kRows - 1>(queries, rows, head, out);
    }
  }

  template <int kRows>
  __attribute__((noinline)) void attend(const int16_t* queries, const Head& head, float* out) const {
    const int d = size_, padded = head.padded;
    int n = 0;
    for (; n + kBlock <= padded; n += kBlock) compute_logits<kRows, 2>(queries, head, n);
    if (n < padded) compute_logits<kRows, 1>(queries, head, n);
    float unit[kRows];
    softmax(head, kRows, unit);
    for (int at = 0; at < d; at += kBlock) {
      Ints sums[kRows][2];
      multiply(head.probabilities, padded, head.values + 2 * at, 2 * d, head.tokens, sums);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) {
        store(out + size_t(i) * head.stride + at, mul(to_floats(sums[i][0]), broadcast(unit[i])));
        store(out + size_t(i) * head.stride + at + kWidth, mul(to_floats(sums[i][1]), broadcast(unit[i])));
      }
    }
  }

  // The logits of kVectors * kWidth keys, from key n on.
  template <int kRows, int kVectors>
  inline void compute_logits(const int16_t* queries, const Head& head, int n) const {
    Ints sums[kRows][kVectors];
    multiply(queries, size_, head.keys + 2 * n, 2 * head.padded, size_, sums);
    const Floats scale = broadcast(head.logit_scale);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; i++)
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; j++) {
        const int at = n + j * kWidth;
        const Floats logits = mul(to_floats(sums[i][j]), scale);
        store(head.logits + size_t(i) * head.padded + at, first_lanes(logits, head.tokens - at, broadcast(kMasked)));
      }
  }

  // sums = a [kRows, inputs] * b [inputs / 2, rounded up][kVectors * kWidth][2]; steps of b are b_stride apart. Where
  // `inputs` is odd, a has one element more, which meets a zero of b.
  template <int kRows, int kVectors>
  static inline void multiply(const int16_t* a, int a_stride, const int16_t* b, int b_stride, int inputs,
                              Ints (&sums)[kRows][kVectors]) {
#pragma GCC unroll 16
    for (int i = 0; i < kRows; i++)
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; j++) sums[i][j] = int_zero();
    for (int k = 0; k < inputs; k += 2, b += b_stride) {
      Ints step[kVectors];
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; j++) step[j] = load_ints(b + 2 * kWidth * j);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; i++) {
        const Ints pair = broadcast_four_bytes(a + size_t(i) * a_stride + k);
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; j++) dot_shorts(sums[i][j], pair, step[j]);
      }
    }
  }

  // Turns rows of logits into levels of probabilities; unit[i] is what a product with a level of the values is worth.
  // Divides by the sum of the rounded levels, so that the probabilities add up to 1 in long sequences too. Step by step
  // over all rows, so that the reduction of one row does not hold up the next.
  static void softmax(const Head& head, int rows, float* unit) {
    const int padded = head.padded;
    const float max_total = fmaxf(float(kMaxProbabilityLevels - (head.tokens + 1) / 2), 1.f);
    float largest[kShortRows], total[kShortRows];
    for (int i = 0; i < rows; i++) {
      Floats running = load(head.logits + i * padded);
      for (int n = kWidth; n < padded; n += kWidth) running = maximum(running, load(head.logits + i * padded + n));
      largest[i] = max_of(running);
    }
    for (int i = 0; i < rows; i++) {
      const Floats shift = broadcast(largest[i]);
      Floats sum = zero();
      for (int n = i * padded; n < (i + 1) * padded; n += kWidth) {
        const Floats p = exp2_negative(sub(load(head.logits + n), shift));
        store(head.logits + n, p);
        sum = add(sum, p);
      }
      total[i] = sum_of(sum);
    }
    for (int i = 0; i < rows; i++) {
      const float levels = fminf(kMaxInt16, max_total / total[i]);
      Ints sum = int_zero();
      for (int n = i * padded; n < (i + 1) * padded; n += kWidth)
        sum = add_ints(sum, store_shorts(head.probabilities + n, mul(load(head.logits + n), broadcast(levels))));
      unit[i] = head.value_scale / sum_of(to_floats(sum));
    }
  }

  int size_;
  float max_level_;  // of queries and keys
};

}  // namespace
