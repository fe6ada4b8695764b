// What the units of this library share; the pointers are borrowed and must outlive the encoder.
#pragma once
#include <cstdint>

struct Shape {
  int32_t layers, hidden, heads, inner;
  int32_t labels;  // 0: token vectors are wanted; else the logits of that many labels
  float epsilon;
};

struct Tables {
  const float *words, *places, *types, *gain, *shift;      // embeddings [rows, hidden] and their norm
  const float *dense, *dense_bias, *label, *label_bias;    // the head; null without one
};

struct LayerWeights {
  const float *joint, *joint_bias, *output, *output_bias, *attended_gain, *attended_shift;
  const float *wide, *wide_bias, *narrow, *narrow_bias, *done_gain, *done_shift;
};

struct Batch {
  int32_t sequences;
  const int32_t *token_ids, *token_types;
  const int32_t* offsets;  // [sequences + 1], where each begins; the last is the number of tokens
};

struct OutOfMemory {};

class Encoder {
 public:
  virtual ~Encoder();
  virtual void set_layer(int at, const LayerWeights& weights) = 0;
  // out: [tokens, hidden], or [sequences, labels]. Throws OutOfMemory. Any number of threads may run at once.
  virtual void run(const Batch& batch, float* out) const = 0;
};

Encoder* make_avx2(const Shape& shape, const Tables& tables);
Encoder* make_avx512(const Shape& shape, const Tables& tables);

// Multiplies rows of levels with a matrix, `times` times; what is left of it, so that none is left out.
float multiply_avx2(int rows, int inputs, int outputs, int times);
float multiply_avx512(int rows, int inputs, int outputs, int times);
