// Runs every unit of the native encoder that this processor supports on random weights, without Python, so
// that sanitizers and emulators can watch it: sequences alone and in company must come out the same bit by bit, and as the
// portable unit of the same arithmetic computes them.
//
//     driver [LONGEST [UNIT...]]
//
// Exit code 1 when a unit differs, 2 when a named one cannot run.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "interface.hpp"

extern "C" {
const char* secondlook_unit(int index);
const char* secondlook_arithmetic(const char* unit);
Encoder* secondlook_make(const char* unit, const Shape* shape, const Tables* tables);
int secondlook_set_layer(Encoder* encoder, int index, const LayerWeights* weights);
int secondlook_run(const Encoder* encoder, const Batch* batch, float* out);
double secondlook_time_product(const char* unit, int rows, int inputs, int outputs, int times);
void secondlook_free(Encoder* encoder);
}

namespace {

constexpr int kWords = 50, kPositions = 512;
// Rounding differs in the last bits, and turns a level of a byte here and there.
constexpr double kLeastMean = 0.9999, kLeast = 0.998;

using Floats = std::vector<float>;

// Numbers around `centre`, the same on every machine: the sum of four uniform ones is nearly normal.
class Random {
 public:
  Floats floats(size_t count, float spread, float centre = 0) {
    Floats out(count);
    for (float& x : out) x = centre + spread * (uniform() + uniform() + uniform() + uniform() - 2) * 1.7f;
    return out;
  }
  int below(int limit) { return int(uniform() * float(limit)); }

 private:
  float uniform() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return float(state_ >> 40) / float(1 << 24);
  }
  unsigned long long state_ = 17;
};

// Random weights of one shape, and the encoders that units make of them.
class Model {
 public:
  Model(int layers, int hidden, int heads, int inner, int labels)
      : shape_{layers, hidden, heads, inner, labels, 1e-5f} {
    const float spread = 1 / std::sqrt(float(hidden));
    tables_ = {keep(size_t(kWords) * hidden, 1), keep(size_t(kPositions) * hidden, .3f), keep(hidden, .1f),
               keep(hidden, .2f, 1), keep(hidden, .2f), keep(size_t(hidden) * hidden, spread), keep(hidden, .1f),
               keep(size_t(labels) * hidden, spread), keep(labels, .1f)};
    const size_t square = size_t(hidden) * hidden, wide = size_t(inner) * hidden;
    for (int i = 0; i < layers; i++)
      layers_.push_back({keep(3 * square, spread), keep(3 * hidden, .1f), keep(square, spread), keep(hidden, .1f),
                         keep(hidden, .2f, 1), keep(hidden, .2f), keep(wide, spread), keep(inner, .1f),
                         keep(wide, spread), keep(hidden, .1f), keep(hidden, .2f, 1), keep(hidden, .2f)});
  }

  Encoder* make(const char* unit) const {
    Encoder* encoder = secondlook_make(unit, &shape_, &tables_);
    if (!encoder) std::printf("%s cannot run here\n", unit), std::exit(2);
    for (size_t i = 0; i < layers_.size(); i++)
      if (secondlook_set_layer(encoder, int(i), &layers_[i])) std::exit(2);
    return encoder;
  }

  // Of each sequence its vectors or logits.
  std::vector<Floats> run(const Encoder* encoder, const std::vector<std::vector<int32_t>>& sequences) const {
    std::vector<int32_t> ids, offsets = {0};
    for (const auto& one : sequences) {
      ids.insert(ids.end(), one.begin(), one.end());
      offsets.push_back(int32_t(ids.size()));
    }
    const std::vector<int32_t> types(ids.size());
    const Batch batch = {int32_t(sequences.size()), ids.data(), types.data(), offsets.data()};
    const int width = shape_.labels ? shape_.labels : shape_.hidden;
    Floats out((shape_.labels ? sequences.size() : ids.size()) * width);
    if (secondlook_run(encoder, &batch, out.data())) std::exit(2);
    std::vector<Floats> parts;
    for (size_t s = 0; s < sequences.size(); s++) {
      const size_t from = shape_.labels ? s : offsets[s], to = shape_.labels ? s + 1 : offsets[s + 1];
      parts.emplace_back(out.begin() + from * width, out.begin() + to * width);
    }
    return parts;
  }

  bool has_labels() const { return shape_.labels; }
  int width() const { return shape_.labels ? shape_.labels : shape_.hidden; }

 private:
  const float* keep(size_t count, float spread, float centre = 0) {
    kept_.push_back(random_.floats(count, spread, centre));
    return kept_.back().data();
  }

  Random random_;
  std::vector<Floats> kept_;
  Shape shape_;
  Tables tables_;
  std::vector<LayerWeights> layers_;
};

// The lowest and the mean of what is measured.
struct Agreement {
  double lowest = 1, total = 0;
  int count = 0;
  void take(double one) {
    lowest = one >= lowest ? lowest : one;  // a NaN becomes the lowest
    total += one, count++;
  }
  bool good() const { return lowest >= kLeast && total / count >= kLeastMean; }
};

// Cosines of vectors; of logits 1 less the square of the largest difference.
void compare(const Floats& a, const Floats& b, int width, bool logits, Agreement& agreement) {
  for (size_t at = 0; at < a.size(); at += width) {
    double product = 0, left = 0, right = 0, farthest = 0;
    for (size_t i = at; i < at + width; i++) {
      product += double(a[i]) * b[i], left += double(a[i]) * a[i], right += double(b[i]) * b[i];
      farthest = std::fmax(farthest, std::fabs(double(a[i]) - b[i]));
    }
    agreement.take(logits ? 1 - farthest * farthest : product / std::sqrt(left * right));
  }
}

std::vector<std::vector<int32_t>> draw_sequences(int longest) {
  Random random;
  std::vector<std::vector<int32_t>> sequences;
  for (int length : {1, 2, 3, 5, 8, 11, 13, 16, 17, 24, 31, 33, 64, 65, 100, 193, 511, 512})
    if (length <= longest) {
      sequences.emplace_back(length);
      for (int32_t& id : sequences.back()) id = random.below(kWords);
    }
  sequences.emplace_back(longest < 300 ? longest : 300, 7);  // one token repeated: a uniform row, equal values
  return sequences;
}

bool check(const Model& model, const char* unit, int longest, const char* shape) {
  const auto sequences = draw_sequences(longest);
  const std::string arithmetic = secondlook_arithmetic(unit);
  const char* portable = arithmetic == "vnni-int8" ? "portable_int8" : "portable_int7";
  Encoder *own = model.make(unit), *other = model.make(portable);
  const std::vector<Floats> together = model.run(own, sequences), expected = model.run(other, sequences);
  Agreement agreement;
  bool equal = true;
  for (size_t s = 0; s < sequences.size(); s++) {
    const Floats alone = model.run(own, {sequences[s]})[0];
    equal = equal && alone.size() == together[s].size() &&
            !std::memcmp(alone.data(), together[s].data(), sizeof(float) * alone.size());
    compare(together[s], expected[s], model.width(), model.has_labels(), agreement);
  }
  secondlook_free(own), secondlook_free(other);
  const bool good = equal && agreement.good();
  std::printf("%-14s %-16s %s, to %s %.6f, at least %.6f: %s\n", unit, shape,
              equal ? "alone as in company" : "company changes it", portable, agreement.total / agreement.count,
              agreement.lowest, good ? "ok" : "DIFFERS");
  std::fflush(stdout);
  return good;
}

}  // namespace

int main(int count, char** arguments) {
  const int longest = count > 1 ? std::atoi(arguments[1]) : kPositions, shorter = longest < 65 ? longest : 65;
  std::vector<std::string> units(arguments + (count > 2 ? 2 : count), arguments + count);
  if (units.empty())
    for (int i = 0; secondlook_unit(i); i++) units.push_back(secondlook_unit(i));
  const struct {
    const char* name;
    int longest;
    Model model;
  } cases[] = {{"64/2, vectors", longest, Model(2, 64, 2, 128, 0)},
               {"128/2, vectors", shorter, Model(2, 128, 2, 384, 0)},
               {"384/12, vectors", shorter, Model(1, 384, 12, 768, 0)},
               {"64/2, 1 label", longest, Model(2, 64, 2, 128, 1)},
               {"128/1, 3 labels", shorter, Model(1, 128, 1, 256, 3)}};
  bool good = true;
  for (const std::string& unit : units) {
    for (const auto& one : cases) good = check(one.model, unit.c_str(), one.longest, one.name) && good;
    if (secondlook_time_product(unit.c_str(), 13, 384, 128, 1) < 0) good = false;
  }
  return good ? 0 : 1;
}
