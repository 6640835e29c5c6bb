#include "data/files.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <system_error>

#include "data/text_bytes.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::data {

namespace {

namespace fs = std::filesystem;
using Wanted = std::function<bool(std::string_view)>;

// What a data set may hold in all: a guard against archives made to fill the memory.
constexpr std::uint64_t kMaxTotalBytes = std::uint64_t{8} << 30;

[[noreturn]] void fail(const fs::path& path, const std::string& reason) {
  throw IoError(fmt::format("[read_dataset] {}: {}", path.string(), reason));
}

void check_total(const fs::path& path, std::uint64_t bytes) {
  if (bytes > kMaxTotalBytes) fail(path, "holds more than 8 GiB, the most that is read at once");
}

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find_first_of("/\\"), path.size());
    if (end > 0 && path.substr(0, end) != ".") parts.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

bool is_hidden(std::string_view name) { return name.starts_with('.') || name == "__MACOSX"; }

std::string read_file(const fs::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) fail(path, fmt::format("cannot be opened: {}", std::strerror(errno)));
  std::string bytes(static_cast<std::size_t>(fs::file_size(path)), '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    fail(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  return bytes;
}

// Links are followed, but no folder is read twice, and none by a link's name that has one of its own here.
std::vector<fs::path> files_below(const fs::path& root) {
  std::vector<fs::path> files, links;  // links: to folders
  std::set<fs::path> seen;
  const auto list = [&](const fs::path& top) {
    if (!seen.insert(fs::canonical(top)).second) return;
    for (fs::recursive_directory_iterator entry(top), end; entry != end; ++entry) {
      const bool folder = entry->is_directory();
      const bool link = entry->is_symlink();
      if (is_hidden(entry->path().filename().string()) ||
          (folder && !link && !seen.insert(fs::canonical(entry->path())).second)) {
        if (folder) entry.disable_recursion_pending();
      } else if (entry->is_regular_file()) {
        files.push_back(entry->path());
      } else if (link && folder) {
        links.push_back(entry->path());
      } else if (link && !entry->exists()) {
        fail(entry->path(), "is a link to nothing");
      }
    }
  };
  list(root);
  while (!links.empty()) {
    std::vector<fs::path> found;
    found.swap(links);
    std::ranges::sort(found);
    for (const fs::path& link : found) list(link);
  }
  return files;
}

Files read_folder(const fs::path& root, const Wanted& wanted) {
  Files result{{}, Files::Kind::folder};
  std::uint64_t total = 0;
  for (const fs::path& file : files_below(root)) {
    result.files.push_back({file.lexically_relative(root).generic_string(), ""});
    if (wanted(result.files.back().path)) total += fs::file_size(file);
  }
  check_total(root, total);
  std::sort(result.files.begin(), result.files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  parallel_for(std::ssize(result.files), 64, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      File& file = result.files[i];
      if (wanted(file.path)) file.bytes = read_file(root / file.path);
    }
  });
  return result;
}

bool is_archive(const fs::path& path) {
  std::array<char, 512> head{};
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) fail(path, fmt::format("cannot be opened: {}", std::strerror(errno)));
  const std::string_view start(head.data(), std::fread(head.data(), 1, head.size(), file));
  std::fclose(file);
  return is_packed(start) || path.extension() == ".tar";
}

// libarchive gives out names as the locale writes them, which of a program that sets none is ASCII only.
class Utf8Locale {
 public:
  Utf8Locale() : utf8_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), before_(uselocale(utf8_)) {}
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    uselocale(before_);
    if (utf8_ != nullptr) freelocale(utf8_);
  }

 private:
  locale_t utf8_, before_;  // of this thread
};

// One pass over an archive.
class ArchiveReader {
 public:
  explicit ArchiveReader(const fs::path& path) : path_(path), archive_(archive_read_new()) {
    // Not "all": some formats and filters read other files or run other programs.
    archive_read_support_format_tar(archive());
    archive_read_support_format_zip(archive());
    archive_read_support_format_7zip(archive());
    archive_read_support_format_raw(archive());  // a compressed file that is no archive
    archive_read_support_filter_gzip(archive());
    archive_read_support_filter_bzip2(archive());
    archive_read_support_filter_xz(archive());
    archive_read_support_filter_zstd(archive());
    check(archive_read_open_filename(archive(), path.c_str(), 1 << 18));
  }

  Files read(const Wanted& wanted) {
    Files result{{}, Files::Kind::archive};
    archive_entry* entry = nullptr;
    while (check(archive_read_next_header(archive(), &entry)) != ARCHIVE_EOF) {
      const bool raw = archive_format(archive()) == ARCHIVE_FORMAT_RAW;
      if (raw && archive_filter_count(archive()) < 2) fail(path_, "is not an archive");
      std::string name = raw ? path_.stem().string() : member_name(entry);
      if (raw) result.kind = Files::Kind::file;
      if (archive_entry_filetype(entry) == AE_IFDIR || name.empty()) continue;
      File file{std::move(name), ""};
      if (raw || wanted(file.path)) read_member(file);
      result.files.push_back(std::move(file));
    }
    // The two zero blocks at the end of a tar are read as one more header; a tar cut between members
    // has none.
    if ((archive_format(archive()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
        archive_read_header_position(archive()) == archive_filter_bytes(archive(), 0)) {
      fail(path_, "is cut off: the mark at the end of a tar archive is missing");
    }
    std::stable_sort(result.files.begin(), result.files.end(),
                     [](const File& a, const File& b) { return a.path < b.path; });
    return result;
  }

 private:
  struct Free {
    void operator()(struct archive* a) const { archive_read_free(a); }
  };

  struct archive* archive() const {
    return archive_.get();
  }

  // Warnings are about what we do not use (owners, times, the locale of names).
  la_ssize_t check(la_ssize_t result) const {
    if (result < ARCHIVE_WARN) {
      const char* reason = archive_error_string(archive());
      fail(path_, fmt::format("cannot be read as an archive (truncated or damaged?): {}",
                              reason != nullptr ? reason : "unknown reason"));
    }
    return result;
  }

  // The member's path, "" for a hidden one. Throws for what an honest data set has no use for.
  std::string member_name(archive_entry* entry) const {
    const char* utf8 = archive_entry_pathname_utf8(entry);
    const char* name = utf8 != nullptr ? utf8 : archive_entry_pathname(entry);
    if (name == nullptr) fail(path_, "has a member whose name cannot be read");
    const auto refuse = [&](std::string_view what) {
      fail(path_, fmt::format("refused: the archive's member '{}' {}", name, what));
    };
    const std::string_view view(name);
    if (view.starts_with('/') || view.starts_with('\\') || view.substr(0, 2).ends_with(':')) {
      refuse("has an absolute path");
    }
    const auto parts = parts_of(view);
    if (std::ranges::count(parts, "..") > 0) refuse("has '..' in its path");
    if (archive_entry_symlink(entry) != nullptr || archive_entry_hardlink(entry) != nullptr) {
      refuse("is a link");
    }
    const auto type = archive_entry_filetype(entry);
    if (type != AE_IFREG && type != AE_IFDIR) refuse("is neither a file nor a folder");
    if (std::ranges::any_of(parts, is_hidden)) return "";
    return fmt::format("{}", fmt::join(parts, "/"));
  }

  void read_member(File& file) {
    std::array<char, 1 << 16> block;
    while (const la_ssize_t n = check(archive_read_data(archive(), block.data(), block.size()))) {
      if (n < 0) continue;  // a warning
      file.bytes.append(block.data(), static_cast<std::size_t>(n));
      total_ += static_cast<std::uint64_t>(n);
      check_total(path_, total_);
    }
  }

  const Utf8Locale locale_;
  const fs::path& path_;
  std::unique_ptr<struct archive, Free> archive_;
  std::uint64_t total_ = 0;
};

}  // namespace

Files read_files(const fs::path& path, const Wanted& wanted) try {
  const fs::file_status status = fs::status(path);
  if (!fs::exists(status)) fail(path, "there is no such file or folder");
  if (fs::is_directory(status)) return read_folder(path, wanted);
  if (!fs::is_regular_file(status)) {
    fail(path,
         "is neither a file nor a folder; what comes through a pipe must be written to a file");
  }
  if (fs::file_size(path) == 0) fail(path, "the file is empty");
  if (is_archive(path)) return ArchiveReader(path).read(wanted);
  check_total(path, fs::file_size(path));
  return {{{path.filename().string(), read_file(path)}}, Files::Kind::file};
} catch (const fs::filesystem_error& error) {
  fail(error.path1().empty() ? path : error.path1(), error.code().message());
}

}  // namespace gradus::data
