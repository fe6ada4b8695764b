// The C interface, and the choice of an instruction set when the program runs.
#include <cpuid.h>

#include <cstring>
#include <ctime>
#include <new>

#include "interface.hpp"

namespace {

volatile float digest;  // where the compiler must write the products of a benchmark

// What this thread has had of the processor, which other work on a busy machine does not add to.
double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

[[maybe_unused]] bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma");
}

[[maybe_unused]] bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

[[maybe_unused]] bool has_avxvnni() {
  unsigned a = 0, b, c, d;  // compilers before GCC 12 do not know the feature's name
  return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}

bool has_any() { return true; }

// A unit of this library: an instruction set and the arithmetic that it does.
struct Unit {
  const char* name;
  const char* arithmetic;  // units of the same arithmetic agree but for the rounding of floats
  bool fast;               // false of those that only serve to check the others
  bool (*is_supported)();
  Encoder* (*make)(const Shape&, const Tables&);
  float (*multiply)(int, int, int, int);
};

// From the fastest on. The build defines SECONDLOOK_HAS_... for each unit that the compiler could build.
constexpr Unit kUnits[] = {
#ifdef SECONDLOOK_HAS_AVX512
    {"avx512", "vnni-int8", true, has_avx512, make_avx512, multiply_avx512},
#endif
#ifdef SECONDLOOK_HAS_AVXVNNI
    {"avxvnni", "vnni-int8", true, has_avxvnni, make_avxvnni, multiply_avxvnni},
#endif
#ifdef SECONDLOOK_HAS_AVX2
    {"avx2", "avx2-int7", true, has_avx2, make_avx2, multiply_avx2},
#endif
    {"portable_int8", "vnni-int8", false, has_any, make_portable_int8, multiply_portable_int8},
    {"portable_int7", "avx2-int7", false, has_any, make_portable_int7, multiply_portable_int7},
};

// The unit of that name, or null if this processor does not support it.
const Unit* find_unit(const char* name) {
  for (const Unit& unit : kUnits)
    if (!std::strcmp(unit.name, name) && unit.is_supported()) return &unit;
  return nullptr;
}

}  // namespace

Encoder::~Encoder() = default;

void throw_out_of_memory() { throw std::bad_alloc(); }

#pragma GCC visibility push(default)
extern "C" {

// The name of the index-th unit that this processor supports, from the fastest on; null past the last.
const char* secondlook_unit(int index) {
  for (const Unit& unit : kUnits)
    if (unit.is_supported() && index-- == 0) return unit.name;
  return nullptr;
}

// The fastest unit that this processor supports; empty if none is worth running.
const char* secondlook_best() {
  for (const Unit& unit : kUnits)
    if (unit.fast && unit.is_supported()) return unit.name;
  return "";
}

// Family and bits of the unit, equal for units that agree; empty if this processor does not support it.
const char* secondlook_arithmetic(const char* unit) {
  const Unit* found = find_unit(unit);
  return found ? found->arithmetic : "";
}

// Null when this processor does not support the unit or memory ran out.
Encoder* secondlook_make(const char* unit, const Shape* shape, const Tables* tables) {
  try {
    if (const Unit* found = find_unit(unit)) return found->make(*shape, *tables);
  } catch (const std::bad_alloc&) {
  }
  return nullptr;
}

// 0, or 1 when memory ran out.
int secondlook_set_layer(Encoder* encoder, int index, const LayerWeights* weights) {
  try {
    encoder->set_layer(index, *weights);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

// 0, or 1 when memory ran out.
int secondlook_run(const Encoder* encoder, const Batch* batch, float* out) {
  try {
    encoder->run(*batch, out);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

// Processor time in seconds of `times` integer products of [rows, inputs] and [inputs, outputs], the fastest of three;
// -1 if none ran.
double secondlook_time_product(const char* unit, int rows, int inputs, int outputs, int times) {
  const Unit* found = find_unit(unit);
  if (!found) return -1;
  double best = -1;
  try {
    for (int i = 0; i < 3; i++) {
      const double start = thread_seconds();
      digest = found->multiply(rows, inputs, outputs, times);
      const double elapsed = thread_seconds() - start;
      if (best < 0 || elapsed < best) best = elapsed;
    }
  } catch (const std::bad_alloc&) {
  }
  return best;
}

void secondlook_free(Encoder* encoder) { delete encoder; }

}
#pragma GCC visibility pop
