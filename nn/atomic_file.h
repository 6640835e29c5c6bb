// A file that is there whole or not at all: bytes go to a temporary file beside it, which commit()
// syncs to the disk and renames, with the permissions of the file that it replaces. Without commit()
// the temporary file is removed and what stood under the name before stays as it was.
//
//   AtomicFile file("model.safetensors");
//   file.write(bytes);
//   file.commit();
//
// All functions throw IoError, naming the file and the system's reason.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace gradus::nn {

class AtomicFile {
 public:
  // Behind a symbolic link its file is replaced, and the link stays. What is no file (a folder, a device,
  // a pipe) is refused.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::string path_, temporary_;
  int file_ = -1;
};

}  // namespace gradus::nn
