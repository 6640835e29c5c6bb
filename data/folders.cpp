// A folder for each class. The classes are the folders right below the folder that all texts share,
// or right below train/ and test/ where those exist, in any case of letters.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "data/clean.h"
#include "data/readers.h"
#include "data/utf8.h"

namespace gradus::data {

namespace {

std::vector<std::string_view> folders_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/')) {
    parts.push_back(path.substr(0, slash));
    path.remove_prefix(slash + 1);
  }
  return parts;
}

bool is_called(std::string_view folder, std::string_view name) {
  return std::ranges::equal(folder, name, {}, ascii_lower);
}
bool is_split(std::string_view folder) {
  return is_called(folder, "train") || is_called(folder, "test");
}

struct Place {
  std::string_view label;
  bool test = false;
  std::size_t depth = 0;  // of train/ or test/
};

// The label of a text below train/<label>/ or test/<label>/.
std::optional<Place> place_in_split(const std::vector<std::string_view>& folders) {
  for (std::size_t i = 0; i + 1 < folders.size(); ++i) {
    if (is_split(folders[i])) return Place{folders[i + 1], is_called(folders[i], "test"), i};
  }
  return std::nullopt;
}

// How many folders lead to the class folders: we walk down as long as there is but one way. Files
// on the way (a README) have no class.
std::size_t depth_of_classes(const std::vector<std::vector<std::string_view>>& texts) {
  for (std::size_t depth = 0;; ++depth) {
    std::set<std::string_view> names;
    bool deeper = false;
    for (const auto& folders : texts) {
      if (folders.size() > depth) names.insert(folders[depth]);
      deeper = deeper || folders.size() > depth + 1;
    }
    if (names.size() != 1 || !deeper) return depth;
  }
}

struct Layout {
  std::vector<std::optional<Place>> places;  // one a file; nothing = not a text of a class
  std::int64_t unlabelled = 0;
  std::map<std::string_view, std::int64_t> beside;  // texts in folders beside train/ and test/
  std::int64_t others = 0;
};

Layout layout_of(const std::vector<File>& files) {
  Layout layout;
  std::vector<std::vector<std::string_view>> folders;
  std::vector<std::vector<std::string_view>> of_texts;
  std::optional<std::size_t> split;  // how many folders lead to train/
  for (const File& file : files) {
    folders.push_back(folders_of(file.path));
    if (!is_text_file(file.path)) continue;
    of_texts.push_back(folders.back());
    const auto place = place_in_split(folders.back());
    if (!place || place->test || below_unsup(file.path)) continue;
    split = std::min(split.value_or(place->depth), place->depth);
  }
  const std::size_t depth = split ? 0 : depth_of_classes(of_texts);
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::optional<Place> place;
    if (split) {
      place = place_in_split(folders[i]);
      if (place && place->depth != split) place.reset();
    } else if (folders[i].size() > depth) {
      place = Place{folders[i][depth], false};
    }
    if (below_unsup(files[i].path)) {
      ++layout.unlabelled;
      place.reset();
    } else if (split && !place && folders[i].size() > *split && is_text_file(files[i].path) &&
               !is_split(folders[i][*split])) {
      ++layout.beside[folders[i][*split]];
    } else if (!place || !is_text_file(files[i].path)) {
      ++layout.others;
      place.reset();
    }
    layout.places.push_back(place);
  }
  return layout;
}

}  // namespace

std::size_t class_folders(const Files& files) {
  std::set<std::string_view> labels;
  for (const std::optional<Place>& place : layout_of(files.files).places) {
    if (place) labels.insert(place->label);
  }
  return labels.size();
}

Rows read_text_files(Files files, const std::string& where) {
  Rows result;
  for (File& file : files.files) {
    if (!is_text_file(file.path)) continue;
    check_text_size(file.bytes.size(), where + ", file " + file.path);
    result.rows.push_back({.text = std::move(file.bytes), .label = {}, .file = file.path});
  }
  return result;
}

Rows read_folders(Files files, bool imdb, const std::string& where) {
  const Layout layout = layout_of(files.files);
  Rows result;
  bool test = false;
  std::set<std::string_view> train_labels;
  for (std::size_t i = 0; i < files.files.size(); ++i) {
    const auto& place = layout.places[i];
    if (!place) continue;
    File& file = files.files[i];
    const std::string here = where + ", file " + file.path;
    check_text_size(file.bytes.size(), here);
    const auto label = clean_label(place->label);
    if (!label) fail_reading(here, "the name of its folder, the label, is not UTF-8; rename it");
    if (label->empty()) fail_reading(here, "the label is empty");
    result.rows.push_back({std::move(file.bytes), *label, place->test});
    test = test || place->test;
    if (!place->test) train_labels.insert(place->label);
  }
  if (result.rows.empty()) {
    fail_reading(
        where,
        "holds no folder of texts (.txt files, or files without an extension) for each class");
  }
  if (imdb && train_labels != std::set<std::string_view>{"neg", "pos"}) {
    fail_reading(where, fmt::format("is not aclImdb: train/ should hold pos and neg, it holds {}",
                                    fmt::join(train_labels, ", ")));
  }
  result.source = fmt::format("{} with a folder for each class{}",
                              files.kind == Files::Kind::archive ? "an archive" : "a folder",
                              test ? " and a test split" : "");
  if (layout.unlabelled > 0) {
    result.notes.push_back(
        fmt::format("{} texts without a label (unsup) not used", layout.unlabelled));
  }
  for (const auto& [folder, texts] : layout.beside) {
    result.notes.push_back(
        fmt::format("{} texts in {} not used: only train and test are", texts, folder));
  }
  if (layout.others > 0) {
    result.notes.push_back(fmt::format("{} other files not used", layout.others));
  }
  return result;
}

}  // namespace gradus::data
