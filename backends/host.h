// Memory that the CPU can reach, for the backends that run on it.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "tensor/backend.h"

namespace gradus {

// How much memory the machine has, in bytes.
std::size_t machine_memory();
// `bytes`; throws BackendError for more than the machine has, which the operating system would promise
// and then not give.
std::size_t check_memory(std::size_t bytes);

// Uninitialised memory aligned to 64 bytes, freed with the object.
class HostBuffer : public Buffer {
 public:
  explicit HostBuffer(std::size_t bytes);  // throws BackendError when it cannot be had
  ~HostBuffer() override;
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;

  std::byte* host() override { return data_; }
  std::size_t bytes() const override { return bytes_; }

 private:
  std::byte* data_;
  std::size_t bytes_;
};

// Memory that something else owns: a mapped file.
class AdoptedBuffer : public Buffer {
 public:
  AdoptedBuffer(std::shared_ptr<std::byte> memory, std::size_t bytes)
      : memory_(std::move(memory)), bytes_(bytes) {}

  std::byte* host() override { return memory_.get(); }
  std::size_t bytes() const override { return bytes_; }

 private:
  std::shared_ptr<std::byte> memory_;
  std::size_t bytes_;
};

// The address of a view's element 0.
template <class T>
T* data_of(const View& view) {
  return reinterpret_cast<T*>(view.buffer->host()) + view.layout.offset;
}

// The address of element i of a dense view; null for one without memory.
inline std::byte* element(const View& x, std::int64_t i) {
  if (x.buffer == nullptr) return nullptr;
  return x.buffer->host() + (x.layout.offset + i) * static_cast<std::int64_t>(size_of(x.dtype));
}

// Where the i-th element (row-major) of a layout lies, counted from its element 0.
inline std::int64_t position(const Layout& layout, std::int64_t i) {
  std::int64_t result = 0;
  for (int axis = layout.shape.rank() - 1; axis >= 0; --axis) {
    const std::int64_t size = layout.shape[axis];
    result += i % size * layout.stride(axis);
    i /= size;
  }
  return result;
}

// Throws IndexError naming the first of `rows` outside [least, limit).
void check_rows(const View& rows, std::int64_t limit, const char* op, std::int32_t least = kNoRow);

}  // namespace gradus
