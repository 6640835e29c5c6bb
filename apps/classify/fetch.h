// Downloads a file whose size and SHA-256 are known beforehand.
//
//   fetch_imdb("data");   // data/aclImdb_v1.tar.gz, with a progress line on a terminal
//
// The bytes gather in FILE.part, which takes FILE's name only when size and sum are right; so FILE
// is either absent or whole. Interrupted (Ctrl-C, a cut line, no more disk), FILE.part stays and
// the next call asks the server for the rest only.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace gradus::classify {

struct Download {
  std::string url;  // http or https
  std::uint64_t bytes = 0;
  std::string sha256;                       // 64 lower-case hexadecimal digits
  std::chrono::seconds connect_timeout{5};  // looking up the name included
  std::chrono::seconds stall_timeout{30};   // so long under 1000 bytes a second: give up
};

// The Large Movie Review Dataset of Maas et al., "Learning Word Vectors for Sentiment Analysis"
// (ACL 2011): 25,000 reviews to train on, 25,000 to test on, half of each positive.
extern const Download kImdb;

enum class Fetched { downloaded, already_there };

// Called with the bytes that FILE.part holds so far, as they come.
using Progress = std::function<void(std::uint64_t bytes)>;

// Makes the folders that `file` needs. Throws IoError, saying what to do about it, when
// - `file` is there already with another size or sum (it is left alone);
// - the server cannot be reached, answers with an error, or stalls;
// - what came is not what was promised (FILE.part is removed);
// - the disk refuses, or another process is downloading to the same FILE.part.
Fetched fetch(const Download& download, const std::filesystem::path& file,
              const Progress& progress = {});

// kImdb into `folder`, telling on stdout what became of it.
void fetch_imdb(const std::filesystem::path& folder);

}  // namespace gradus::classify
