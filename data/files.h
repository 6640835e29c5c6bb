// Reads folders and archives alike, as a list of small files in memory. Never unpacks to disk.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

struct File {
  std::string path;   // within the folder or archive, separated by '/'; for a single file, its name
  std::string bytes;  // empty if not wanted
};

struct Files {
  std::vector<File> files;  // sorted by path
  enum class Kind { folder, archive, file } kind = Kind::file;
};

// Reads a folder, an archive, or a single file, compressed or not (its path is then its name
// without .gz). Links in a folder are followed, but no folder is read twice. Hidden files
// (.DS_Store, __MACOSX) are left out. Files that `wanted` rejects are listed but not read. Throws
// IoError if nothing is there, if anything cannot be read, or for an archive that is truncated, or
// has a member that is a link or a device, or whose path leaves the archive.
Files read_files(const std::filesystem::path& path,
                 const std::function<bool(std::string_view)>& wanted);

}  // namespace gradus::data
