#include "apps/classify/train_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "data/readers.h"
#include "nn/atomic_file.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

namespace fs = std::filesystem;

bool same_file(const fs::path& a, const fs::path& b) {
  if (a.empty() || b.empty()) return false;
  std::error_code ignored;
  if (fs::exists(a, ignored) && fs::exists(b, ignored)) return fs::equivalent(a, b, ignored);
  const auto whole = [&](const fs::path& p) {
    return fs::weakly_canonical(fs::absolute(p), ignored);
  };
  return whole(a) == whole(b);
}

// Is the file there, below a folder that is read, with a name that readers look for?
bool is_file_of(const fs::path& file, const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored) || !fs::exists(file, ignored)) return false;
  const fs::path below =
      fs::canonical(file, ignored).lexically_relative(fs::canonical(folder, ignored));
  return !below.empty() && *below.begin() != ".." && data::is_read(below.generic_string());
}

// In a folder that is there, and no folder itself.
void check_place(const fs::path& path, const char* option) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (fs::is_directory(path)) {
    throw IoError(
        fmt::format("[train] {} {} is a folder; name a file in it", option, path.string()));
  }
  if (!fs::is_directory(folder)) {
    throw IoError(
        fmt::format("[train] the folder {} of {} does not exist", folder.string(), option));
  }
}

[[noreturn]] void fail_log(const fs::path& log) {
  throw IoError(
      fmt::format("[train] the log {} cannot be written: {}", log.string(), std::strerror(errno)));
}

void check_log(const fs::path& log) {
  if (log.empty()) return;
  check_place(log, "--log");
  const fs::path folder = log.has_parent_path() ? log.parent_path() : fs::path(".");
  if (access(fs::exists(log) ? log.c_str() : folder.c_str(), W_OK) != 0) fail_log(log);
}

}  // namespace

void check_files(const TrainOptions& options) {
  struct Named {
    const char* option;
    const fs::path& path;
  };
  const Named data{"--data", options.data}, unlabelled{"--unlabelled", options.unlabelled},
      out{"--out", options.out}, log{"--log", options.log};
  for (const auto& [written, other] :
       {std::pair{out, data}, std::pair{out, unlabelled}, std::pair{log, data},
        std::pair{log, unlabelled}, std::pair{log, out}}) {
    std::string lost;
    if (same_file(written.path, other.path)) {
      lost = fmt::format("{} and {} are the same file, {}", written.option, other.option,
                         other.path.string());
    } else if (is_file_of(written.path, other.path)) {
      lost =
          fmt::format("{} {} is a file of {}", written.option, written.path.string(), other.option);
    }
    if (lost.empty()) continue;
    throw IoError(
        fmt::format("[train] {}, which would be lost; name another for {}", lost, written.option));
  }
  check_place(options.out, "--out");
  { const nn::AtomicFile trial(options.out.string()); }  // as a model is saved, but for the end
  check_log(options.log);
}

std::optional<ModelFile::Mark> ModelFile::mark_of(const fs::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return Mark{static_cast<std::int64_t>(found.st_dev), static_cast<std::int64_t>(found.st_ino),
              found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

void ModelFile::save(const SavedModel& model) {
  if (mark_ && mark_of(path_)) check();  // where it was moved away, it is written again
  save_model(path_, model);
  mark_ = mark_of(path_);
  metrics_ = model.metrics;
}

bool ModelFile::holds_ours() const {
  try {
    return load_model(path_).metrics == metrics_;
  } catch (const Error&) {
    return false;
  }
}

// A file system in a network may give the same file another mark.
void ModelFile::check() const {
  if (mark_of(path_) == mark_ || holds_ours()) return;
  throw IoError(
      fmt::format("[train] {} was written or removed by another program while this one trained; "
                  "let each training have an --out of its own",
                  path_.string()));
}

Log::Log(const fs::path& path) : path_(path) {
  if (path.empty()) return;
  file_.open(path, std::ios::trunc);
  if (!file_) fail_log(path);
}

void Log::write(const nlohmann::ordered_json& json) {
  if (!file_.is_open()) return;
  file_ << json.dump() << std::endl;
  if (!file_) fail_log(path_);
}

}  // namespace gradus::classify
