// Writes a file whole or not at all: bytes go to a temporary file beside it, which commit() syncs
// to the disk and renames, with the permissions of the file that it replaces. Without commit() the
// temporary file is removed, and whatever had the name before stays.
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
  // If the path is a symbolic link, its target is replaced and the link stays. Refuses anything
  // that is not a regular file (a folder, a device, a pipe).
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
