// The files that training writes: a mistake in their names must show before hours of training, and must
// cost no file that is there.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"

namespace gradus::classify {

// Throws IoError where --out or --log cannot be written or is the same file as the other or as one that
// is read, by another name, a link or in a folder, too. Changes nothing.
void check_files(const TrainOptions& options);

// The model file, which another program may write too: what is not ours any more is not written over, and
// nothing is said of it as if it were.
class ModelFile {
 public:
  explicit ModelFile(std::filesystem::path path) : path_(std::move(path)) {}
  void save(const SavedModel& model);
  bool saved() const { return mark_.has_value(); }
  // Throws IoError if the file is not what was saved last.
  void check() const;

 private:
  using Mark = std::array<std::int64_t, 4>;  // device, inode, and when it was written
  static std::optional<Mark> mark_of(const std::filesystem::path& path);
  bool holds_ours() const;

  std::filesystem::path path_;
  std::optional<Mark> mark_;
  std::string metrics_;  // of the model saved: no two have the same
};

// One JSON object a line, flushed as it is written, so that it can be followed.
class Log {
 public:
  // An empty path: nothing is written. Else the file is emptied; throws IoError if that cannot be done.
  explicit Log(const std::filesystem::path& path);
  void write(const nlohmann::ordered_json& json);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace gradus::classify
