// A file's bytes as memory, read from the disk as they are looked at.
//
//   MappedFile file("model.safetensors");
//   file.bytes();                          // all of them, as long as `file` or a copy lives
//
// The memory may be written to; that never reaches the file (copy on write). A file that is renamed
// over or removed meanwhile stays whole here; one that is cut short in place ends the program.
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
