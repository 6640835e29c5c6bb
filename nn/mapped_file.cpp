#include "nn/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tensor/error.h"

namespace gradus::nn {

namespace {

struct Descriptor {
  explicit Descriptor(const std::string& path)
      : number(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  const int number;
};

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const auto fail = [&](const std::string& what) {
    throw IoError(fmt::format("[load] {}: {}", path, what));
  };
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    fail(errno == ENOENT ? "there is no such file" : std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) fail("this is not a regular file");  // opening a pipe would wait
  const Descriptor file(path);
  if (file.number < 0 || ::fstat(file.number, &status) != 0) {
    fail(fmt::format("the file cannot be opened: {}", std::strerror(errno)));
  }
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;  // there is no mapping of nothing
  void* memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.number, 0);
  if (memory == MAP_FAILED) fail(fmt::format("the file cannot be read: {}", std::strerror(errno)));
  memory_ = {static_cast<std::byte*>(memory),
             [size = size_](std::byte* data) { ::munmap(data, size); }};
}

}  // namespace gradus::nn
