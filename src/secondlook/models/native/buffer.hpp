// Memory that is aligned, grows, and is freed with its owner.
#pragma once
#include <cstddef>
#include <cstdlib>

#include "interface.hpp"

namespace {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  // Room for `count` elements; what it held is lost when it grows. Throws std::bad_alloc and is empty afterwards.
  T* reserve(size_t count) {
    if (count > count_) {
      release();
      data_ = static_cast<T*>(std::aligned_alloc(64, (count * sizeof(T) + 127) / 64 * 64));
      if (!data_) throw_out_of_memory();
      count_ = count;
    }
    return data_;
  }
  T* get() const { return data_; }
  size_t bytes() const { return count_ * sizeof(T); }
  void release() {
    std::free(data_);
    data_ = nullptr, count_ = 0;
  }

 private:
  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace
