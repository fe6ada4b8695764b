// What the units of this library share. The pointers are borrowed and must outlive the encoder.
#pragma once
#include <cstdint>

struct Shape {
  int32_t layers, hidden, heads, inner;
  int32_t labels;  // 0: the encoder returns token vectors; otherwise the logits of that many labels
  float epsilon;
};

struct Tables {
  const float *words, *positions, *types, *gain, *bias;    // embeddings [rows, hidden] and their layer norm
  const float *dense, *dense_bias, *label, *label_bias;    // the classification head; null without one
};

struct LayerWeights {
  const float *qkv, *qkv_bias, *output, *output_bias, *attention_gain, *attention_bias;
  const float *up, *up_bias, *down, *down_bias, *final_gain, *final_bias;
};

struct Batch {
  int32_t sequences;
  const int32_t *token_ids, *token_types;
  const int32_t* offsets;  // [sequences + 1], where each sequence begins; the last is the number of tokens
};

class Encoder {
 public:
  virtual ~Encoder();
  virtual void set_layer(int index, const LayerWeights& weights) = 0;
  // out: [tokens, hidden], or [sequences, labels]. Throws std::bad_alloc. Several threads may run one encoder at once.
  virtual void run(const Batch& batch, float* out) const = 0;
};

// Throws std::bad_alloc, out of line: a unit must not emit symbols that the linker could merge with those of another.
[[noreturn]] void throw_out_of_memory();

// Of each unit: the encoder, and a benchmark that multiplies rows of levels with a matrix `times` times and returns a
// digest of the products, so that the compiler cannot drop any.
#define SECONDLOOK_UNIT(name)                                        \
  Encoder* make_##name(const Shape& shape, const Tables& tables);    \
  float multiply_##name(int rows, int inputs, int outputs, int times);
SECONDLOOK_UNIT(avx512)
SECONDLOOK_UNIT(avxvnni)
SECONDLOOK_UNIT(avx2)
SECONDLOOK_UNIT(portable_int8)
SECONDLOOK_UNIT(portable_int7)
#undef SECONDLOOK_UNIT
