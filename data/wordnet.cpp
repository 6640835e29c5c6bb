// WordNet's dictionary as a data set: definitions, by the lexicographer file they were written in.
// The format of a data line is that of wndb(5WN), "Data File Format":
//
//   synset_offset lex_filenum ss_type w_cnt word lex_id ... | gloss
//
// The names of the 45 lexicographer files are those of lexnames(5WN). WordNet 3.0 has 117,659 lines
// (wnstats(7WN): 82,115 noun, 13,767 verb, 18,156 adjective and 3,621 adverb synsets).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/readers.h"

namespace gradus::data {

namespace {

constexpr std::array<std::string_view, 45> kFileNames{
    "adj.all",          "adj.pert",           "adv.all",
    "noun.Tops",        "noun.act",           "noun.animal",
    "noun.artifact",    "noun.attribute",     "noun.body",
    "noun.cognition",   "noun.communication", "noun.event",
    "noun.feeling",     "noun.food",          "noun.group",
    "noun.location",    "noun.motive",        "noun.object",
    "noun.person",      "noun.phenomenon",    "noun.plant",
    "noun.possession",  "noun.process",       "noun.quantity",
    "noun.relation",    "noun.shape",         "noun.state",
    "noun.substance",   "noun.time",          "verb.body",
    "verb.change",      "verb.cognition",     "verb.communication",
    "verb.competition", "verb.consumption",   "verb.contact",
    "verb.creation",    "verb.emotion",       "verb.motion",
    "verb.perception",  "verb.possession",    "verb.social",
    "verb.stative",     "verb.weather",       "adj.ppl"};
constexpr std::array<std::string_view, 4> kParts{"data.adj", "data.adv", "data.noun", "data.verb"};

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// A gloss is a definition, often followed by sentences in quotes that use the word. We keep the
// definition: the sentences are about anything, and that there are any already tells verbs and
// adjectives from nouns. What is left of a gloss that is all quotes is the gloss itself.
std::string_view definition(std::string_view gloss) {
  std::size_t end = gloss.find('"');
  while (end != std::string_view::npos && end > 0) {
    // `the word "love"` quotes a word inside the definition; sentences follow ; : or ,
    const std::size_t before = gloss.find_last_not_of(' ', end - 1);
    if (before != std::string_view::npos &&
        std::string_view(";:,").find(gloss[before]) != std::string_view::npos) {
      gloss = gloss.substr(0, before);
      break;
    }
    end = gloss.find('"', end + 1);
  }
  const std::size_t last = gloss.find_last_not_of(" ;:\r");
  return gloss.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

void read_part(const File& file, const std::string& where, Rows& result) {
  std::string_view rest = file.bytes;
  for (std::int64_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.starts_with("  ")) continue;  // the licence
    const std::string here = fmt::format("{}, {}, line {}", where, file.path, number);
    const std::size_t bar = line.find(" | ");
    const auto digit = [&](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
    if (bar == std::string_view::npos || bar < 12 || !digit(9) || !digit(10)) {
      fail_reading(here, "is not a line of WordNet: 'offset file-number type ... | gloss'");
    }
    const auto kind =
        static_cast<unsigned>(line[9] - '0') * 10U + static_cast<unsigned>(line[10] - '0');
    if (kind >= kFileNames.size()) {
      fail_reading(here, fmt::format("lexicographer file {} is none of the 45", kind));
    }
    const std::string_view text = definition(line.substr(bar + 3));
    check_text_size(text.size(), here);
    result.rows.push_back(
        {std::string(text), std::string(kFileNames[kind]), false, number, file.path});
  }
}

}  // namespace

bool is_wordnet_file(std::string_view path) {
  return std::find(kParts.begin(), kParts.end(), name_of(path)) != kParts.end();
}

bool has_wordnet(const Files& files) {
  return std::any_of(files.files.begin(), files.files.end(),
                     [](const File& file) { return is_wordnet_file(file.path); });
}

Rows read_wordnet(const Files& files, const std::string& where) {
  Rows result;
  for (const std::string_view part : kParts) {
    const auto found = std::find_if(files.files.begin(), files.files.end(),
                                    [&](const File& file) { return name_of(file.path) == part; });
    if (found == files.files.end()) {
      fail_reading(where,
                   fmt::format("WordNet's {} is missing (the Debian package wordnet-base has "
                               "all four, in /usr/share/wordnet)",
                               part));
    }
    read_part(*found, where, result);
  }
  result.source = "the definitions of WordNet";
  return result;
}

}  // namespace gradus::data
