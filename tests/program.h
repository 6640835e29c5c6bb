// The program as a shell sees it, for the tests that run it.
#pragma once

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/temporary_folder.h"

struct Result {
  int status = 0;
  std::string out;
  std::string error;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs `gradus ARGUMENTS`, a piece of shell.
inline Result run_gradus(const TemporaryFolder& folder, const std::string& arguments) {
  const std::filesystem::path out = folder / "stdout", error = folder / "stderr";
  const std::string command =
      fmt::format("cd '{}' && ('{}/gradus' {}) >'{}' 2>'{}'", folder.path().string(),
                  GRADUS_BUILD_DIR, arguments, out.string(), error.string());
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), read_file(out), read_file(error)};
}

// A table of 60 texts, two classes.
inline void write_table(const TemporaryFolder& folder) {
  std::string table = "text,label\n";
  for (int i = 0; i < 60; ++i) {
    table += fmt::format("\"number {}, a {} film\",{}\n", i, i % 2 == 0 ? "fine" : "dull",
                         i % 2 == 0 ? "pos" : "neg");
  }
  folder.write("films.csv", table);
}

inline constexpr const char* kSmall = "--attention-size 8 --batch-tokens 64 --epochs 10 --lr 0.01";

inline Result train(const TemporaryFolder& folder, const std::string& more = "") {
  return run_gradus(folder,
                    fmt::format("train --data films.csv --out m.safetensors {} {}", kSmall, more));
}
