// The files that training writes: a mistake in their names must show before hours of training, and must
// cost no file that is there.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/classify/commands.h"

namespace gradus::classify {

// Throws IoError where --out or --log cannot be written or is the same file as the other or as one that
// is read, by another name, a link or in a folder, too. Changes nothing.
void check_files(const TrainOptions& options);

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
