// The C interface, and the choice of an instruction set when the program runs.
#include <chrono>
#include <cstring>
#include <new>

#include "interface.hpp"

namespace {

volatile float kept;  // a result that is used, as far as the compiler knows

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

}  // namespace

Encoder::~Encoder() = default;

#pragma GCC visibility push(default)
extern "C" {

// The best instruction set that this processor has and this library knows; empty if there is none.
const char* secondlook_best() { return has_avx512() ? "avx512" : has_avx2() ? "avx2" : ""; }

// Null when the instruction set is not to be had or memory ran out.
Encoder* secondlook_make(const char* set, const Shape* shape, const Tables* tables) {
  try {
    if (!std::strcmp(set, "avx512") && has_avx512()) return make_avx512(*shape, *tables);
    if (!std::strcmp(set, "avx2") && has_avx2()) return make_avx2(*shape, *tables);
  } catch (const std::bad_alloc&) {
  }
  return nullptr;
}

// 0, or 1 when memory ran out.
int secondlook_set_layer(Encoder* encoder, int at, const LayerWeights* weights) {
  try {
    encoder->set_layer(at, *weights);
    return 0;
  } catch (const OutOfMemory&) {
    return 1;
  }
}

int secondlook_run(const Encoder* encoder, const Batch* batch, float* out) {
  try {
    encoder->run(*batch, out);
    return 0;
  } catch (const OutOfMemory&) {
    return 1;
  }
}

// Seconds of `times` integer products of [rows, inputs] and [inputs, outputs], the fastest of three; -1 if none ran.
double secondlook_time_product(const char* set, int rows, int inputs, int outputs, int times) {
  const bool wide = !std::strcmp(set, "avx512");
  if (wide ? !has_avx512() : std::strcmp(set, "avx2") || !has_avx2()) return -1;
  double best = -1;
  try {
    for (int i = 0; i < 3; i++) {
      const auto started = std::chrono::steady_clock::now();
      kept = wide ? multiply_avx512(rows, inputs, outputs, times) : multiply_avx2(rows, inputs, outputs, times);
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
      if (best < 0 || taken.count() < best) best = taken.count();
    }
  } catch (const OutOfMemory&) {
  }
  return best;
}

void secondlook_free(Encoder* encoder) { delete encoder; }

}
#pragma GCC visibility pop
