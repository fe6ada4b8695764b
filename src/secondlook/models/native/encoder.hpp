// A BERT or XLM-RoBERTa encoder without padding: the linear layers run over the tokens of several
// sequences at once, attention runs within each.
//
// Linear layers multiply bytes (linear.hpp), attention numbers of 16 bits (attention.hpp); all else is float32.
// A token's vector does not depend on the other sequences: every scale is measured within its own.
// Each unit includes this after the vectors of its instruction set.
#pragma once
#include "attention.hpp"

namespace {

constexpr int kFeedForwardRows = 192;            // tokens whose quantised inner activations stay in cache
constexpr int kStripRows = 24;                   // tokens whose inner activations are floats at a time
constexpr size_t kKeptBytes = size_t(16) << 20;  // of a thread's workspace between runs

struct Layer {
  Linear qkv, output, up, down;  // queries, keys and values; attention's output; the feed-forward network
  Norm attention_norm, final_norm;
};

// What one thread works in.
struct Workspace {
  Buffer<float> hidden, qkv, context, strip, first;
  QuantisedBuffer levels, inner_levels, first_levels;
  AttentionWorkspace attention;

  size_t bytes() const {
    return hidden.bytes() + qkv.bytes() + context.bytes() + strip.bytes() + first.bytes() + levels.bytes() +
           inner_levels.bytes() + first_levels.bytes() + attention.bytes();
  }
  void release() {
    hidden.release(), qkv.release(), context.release(), strip.release(), first.release();
    levels.release(), inner_levels.release(), first_levels.release(), attention.release();
  }
};

// Lends the calling thread its workspace and, unless it is large, keeps it for the next run: fresh pages cost a tenth
// of the time.
class BorrowedWorkspace {
 public:
  BorrowedWorkspace() : space_(of_this_thread()) {}
  BorrowedWorkspace(const BorrowedWorkspace&) = delete;
  BorrowedWorkspace& operator=(const BorrowedWorkspace&) = delete;
  ~BorrowedWorkspace() {
    if (space_.bytes() > kKeptBytes) space_.release();
  }
  Workspace& operator*() const { return space_; }

 private:
  static Workspace& of_this_thread() {
    static thread_local Workspace space;
    return space;
  }
  Workspace& space_;
};

class PackedEncoder final : public Encoder {
 public:
  PackedEncoder(const Shape& shape, const Tables& tables)
      : shape_(shape), tables_(tables), attention_(shape.hidden / shape.heads), layers_(new Layer[shape.layers]) {}
  PackedEncoder(const PackedEncoder&) = delete;
  PackedEncoder& operator=(const PackedEncoder&) = delete;
  ~PackedEncoder() override { delete[] layers_; }

  void set_layer(int index, const LayerWeights& w) override {
    Layer& layer = layers_[index];
    const int h = shape_.hidden, f = shape_.inner;
    layer.attention_norm = {w.attention_gain, w.attention_bias};
    layer.final_norm = {w.final_gain, w.final_bias};
    layer.qkv.set(w.qkv, w.qkv_bias, 3 * h, h);
    layer.output.set(w.output, w.output_bias, h, h);
    layer.up.set(w.up, w.up_bias, f, h, &layer.attention_norm);
    layer.down.set(w.down, w.down_bias, h, f);
  }

  void run(const Batch& batch, float* out) const override {
    const BorrowedWorkspace borrowed;
    Workspace& space = *borrowed;
    const int tokens = batch.offsets[batch.sequences], h = shape_.hidden;
    embed(batch, tokens, space);
    for (int i = 0; i + 1 < shape_.layers; i++) run_layer(layers_[i], batch, tokens, space);
    const Layer& last = layers_[shape_.layers - 1];
    if (!shape_.labels) {
      run_layer(last, batch, tokens, space);
      std::memcpy(out, space.hidden.get(), sizeof(float) * tokens * h);
      return;
    }
    run_last_layer(last, batch, tokens, space);
    for (int s = 0; s < batch.sequences; s++)
      classify(space.first.get() + size_t(s) * h, out + size_t(s) * shape_.labels);
  }

 private:
  void embed(const Batch& batch, int tokens, Workspace& space) const {
    const int h = shape_.hidden;
    float* hidden = space.hidden.reserve(size_t(tokens) * h);
    const Quantised levels = space.levels.reserve(tokens, h);
    const Norm norm = {tables_.gain, tables_.bias};
    for (int s = 0; s < batch.sequences; s++)
      for (int t = batch.offsets[s]; t < batch.offsets[s + 1]; t++) {
        const float* word = tables_.words + size_t(batch.token_ids[t]) * h;
        const float* position = tables_.positions + size_t(t - batch.offsets[s]) * h;
        const float* type = tables_.types + size_t(batch.token_types[t]) * h;
        float* x = hidden + size_t(t) * h;
        for (int i = 0; i < h; i += kWidth) store(x + i, add(add(load(word + i), load(type + i)), load(position + i)));
        layer_norm_and_quantise(x, norm, shape_.epsilon, nullptr, levels, t);
      }
  }

  void run_layer(const Layer& layer, const Batch& batch, int tokens, Workspace& space) const {
    const Quantised levels = space.levels.reserve(tokens, shape_.hidden);
    float* context = space.context.reserve(size_t(tokens) * shape_.hidden);
    attend(layer, batch, levels, nullptr, context, space);
    finish_layer(layer, context, space.hidden.get(), levels, tokens, space);
  }

  // The last layer of a cross-encoder, which needs only the first token of each sequence.
  void run_last_layer(const Layer& layer, const Batch& batch, int tokens, Workspace& space) const {
    const int h = shape_.hidden, count = batch.sequences;
    const Quantised levels = space.levels.reserve(tokens, h), first_levels = space.first_levels.reserve(count, h);
    float *first = space.first.reserve(size_t(count) * h), *context = space.context.reserve(size_t(count) * h);
    for (int s = 0; s < count; s++) {
      first_levels.copy_row(levels, batch.offsets[s], s);
      std::memcpy(first + size_t(s) * h, space.hidden.get() + size_t(batch.offsets[s]) * h, sizeof(float) * h);
    }
    attend(layer, batch, levels, &first_levels, context, space);
    finish_layer(layer, context, first, first_levels, count, space);
  }

  // Attention head by head, so that queries, keys and values stay in cache. `first` holds the levels of each sequence's
  // first token, if only these are queries; `context` has a row for each query.
  void attend(const Layer& layer, const Batch& batch, const Quantised& levels, const Quantised* first, float* context,
              Workspace& space) const {
    const int h = shape_.hidden, d = h / shape_.heads, tokens = batch.offsets[batch.sequences];
    const int32_t* offsets = batch.offsets;
    float* qkv = space.qkv.reserve(size_t(tokens) * 3 * d);
    for (int at = 0; at < h; at += d) {
      layer.qkv.apply(first ? *first : levels, first ? batch.sequences : tokens, at, at + d,
                      [=](int row, int channel, Floats x) {
                        store(qkv + size_t(first ? offsets[row] : row) * 3 * d + channel - at, x);
                      });
      for (int part = 1; part < 3; part++) {
        const int from = part * h + at, shift = part * d - from;
        layer.qkv.apply(levels, tokens, from, from + d, [=](int row, int channel, Floats x) {
          store(qkv + size_t(row) * 3 * d + (channel + shift), x);
        });
      }
      for (int s = 0; s < batch.sequences; s++) {
        const int begin = offsets[s], size = offsets[s + 1] - begin;
        attention_.run(qkv + size_t(begin) * 3 * d, size, first ? 1 : size,
                       context + size_t(first ? s : begin) * h + at, h, space.attention);
      }
    }
  }

  // What follows attention: its output and the feed-forward network, each with its residual and norm, in place.
  void finish_layer(const Layer& layer, const float* context, float* hidden, const Quantised& levels, int rows,
                    Workspace& space) const {
    const int h = shape_.hidden;
    for (int from = 0; from < rows; from += kFeedForwardRows) {
      const int count = smaller(kFeedForwardRows, rows - from);
      float* x = hidden + size_t(from) * h;
      const Quantised in = levels.from_row(from);
      for (int i = 0; i < count; i++) quantise_row(context + size_t(from + i) * h, in, i);
      layer.output.add_to(x, in, count);
      for (int i = 0; i < count; i++)
        layer_norm_and_quantise(x + size_t(i) * h, layer.attention_norm, shape_.epsilon, layer.up.smoothing(), in, i);
      const Quantised inner = space.inner_levels.reserve(kFeedForwardRows, shape_.inner);
      project_up(layer, in, count, inner, space);
      layer.down.add_to(x, inner, count);
      for (int i = 0; i < count; i++)
        layer_norm_and_quantise(x + size_t(i) * h, layer.final_norm, shape_.epsilon, nullptr, in, i);
    }
  }

  // The first half of the feed-forward network in strips of a few tokens and one group of channels: GELU's output is
  // quantised while it is in the first-level cache.
  void project_up(const Layer& layer, const Quantised& in, int rows, const Quantised& out, Workspace& space) const {
    const int group = out.group;
    float* strip = space.strip.reserve(size_t(kStripRows) * group);
    for (int g = 0; g < out.groups(); g++)
      for (int from = 0; from < rows; from += kStripRows) {
        const int count = smaller(kStripRows, rows - from), first = g * group;
        layer.up.apply(in.from_row(from), count, first, first + group, [=](int row, int channel, Floats y) {
          store(strip + row * group + (channel - first), gelu(y));
        });
        for (int i = 0; i < count; i++) quantise_group(strip + i * group, out, from + i, g);
      }
  }

  void classify(const float* first, float* logits) const {
    const int h = shape_.hidden;
    for (int label = 0; label < shape_.labels; label++) logits[label] = tables_.label_bias[label];
    for (int n = 0; n < h; n++) {
      Floats total = zero();
      for (int i = 0; i < h; i += kWidth) total = fma(load(tables_.dense + size_t(n) * h + i), load(first + i), total);
      const float pooled = tanhf(sum_of(total) + tables_.dense_bias[n]);
      for (int label = 0; label < shape_.labels; label++) logits[label] += pooled * tables_.label[size_t(label) * h + n];
    }
  }

  Shape shape_;
  Tables tables_;
  Attention attention_;
  Layer* layers_;  // allocated last: if that throws, nothing else needs freeing
};

// The integer product alone, for benchmarks: the upper bound of the linear layers.
inline float multiply_levels(int rows, int inputs, int outputs, int times) {
  Buffer<float> weights;
  QuantisedBuffer buffer;
  float* w = weights.reserve(size_t(outputs) * inputs);
  for (size_t i = 0; i < size_t(outputs) * inputs; i++) w[i] = float(int(i * 37 % 127) - 63);
  const Quantised in = buffer.reserve(rows, inputs);
  for (size_t i = 0; i < size_t(rows) * inputs; i++) in.levels[i] = uint8_t(i * 31 % (kActivationLevels + 1));
  for (int i = 0; i < rows * in.groups(); i++) in.scale[i] = 1, in.low[i] = 0;
  Linear linear;
  linear.set(w, w, outputs, inputs);
  Floats total = zero();
  for (int i = 0; i < times; i++)
    linear.apply(in, rows, 0, outputs, [&total](int, int, Floats x) { total = add(total, x); });
  return sum_of(total);
}

}  // namespace
