#include "nn/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tensor/error.h"

namespace gradus::nn {

namespace {

namespace fs = std::filesystem;

// What a rename is to replace: behind a symbolic link, its file. A device or a pipe is never replaced.
std::string target_of(const std::string& path) {
  std::error_code none;
  const fs::file_status there = fs::status(path, none);
  if (!fs::exists(there)) return path;
  if (fs::is_regular_file(there)) {
    return fs::is_symlink(path, none) ? fs::canonical(path).string() : path;
  }
  throw IoError(fmt::format("[save] {} is {}, and no file could take its place", path,
                            fs::is_directory(there) ? "a folder" : "a device or a pipe"));
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(target_of(path)) {
  static std::atomic<int> made = 0;
  do {  // O_EXCL: never a file that someone else writes
    temporary_ = fmt::format("{}.{}-{}.tmp", path_, ::getpid(), made++);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file_ < 0 && errno == EEXIST);
  if (file_ < 0) fail("cannot be written");
  struct stat before;
  if (::stat(path_.c_str(), &before) == 0) (void)::fchmod(file_, before.st_mode & 07777);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ::ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail("cannot be written to the disk");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be put in place");
  ::close(file_);
  file_ = -1;
  // The new name is on the disk once its folder is.
  const std::string folder = fs::path(path_).parent_path().string();
  const int opened = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0) return;  // a folder that may be written but not read: the file is in place
  ::fsync(opened);
  ::close(opened);
}

void AtomicFile::fail(const char* what) const {
  const int error = errno;
  throw IoError(fmt::format("[save] {} {}: {}", path_, what, std::strerror(error)));
}

}  // namespace gradus::nn
