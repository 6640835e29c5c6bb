// A file mapped into memory: bytes are read from the disk when they are first accessed.
//
//   MappedFile file("model.safetensors");
//   file.bytes();                          // all of them, as long as `file` or a copy lives
//
// Writing to the memory never changes the file (copy on write). If the file is replaced or removed
// meanwhile, the mapping keeps the old bytes; if it is truncated in place, access ends the program.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace gradus::nn {

class MappedFile {
 public:
  // Throws IoError, saying what is wrong with the file.
  explicit MappedFile(const std::string& path);

  std::span<std::byte> bytes() const { return {memory_.get(), size_}; }
  // The bytes from `begin` on, which keep the mapping alive.
  std::shared_ptr<std::byte> from(std::size_t begin) const {
    return {memory_, memory_.get() + begin};
  }

 private:
  std::shared_ptr<std::byte> memory_;
  std::size_t size_ = 0;
};

}  // namespace gradus::nn
