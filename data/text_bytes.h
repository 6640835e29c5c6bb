// Detects files that are not text, from their first bytes, so that they are refused with an error
// message instead of being read as odd words.
#pragma once

#include <string_view>

namespace gradus::data {

// Whether this is an archive or a compressed file.
bool is_packed(std::string_view start);

// Why a file that begins like this is not text, as the end of a sentence: "is UTF-16; save it as
// UTF-8". Empty if it may be text: a few odd bytes are no reason, since cleaning removes them.
std::string_view why_no_text(std::string_view start);

}  // namespace gradus::data
