// Whether bytes are text at all, from how they begin: what is no text is refused with a sentence, not read
// as one odd word after another.
#pragma once

#include <string_view>

namespace gradus::data {

// An archive, or a compressed file.
bool is_packed(std::string_view start);

// Why a file that begins so is no text, as the end of a sentence about it: "is UTF-16; save it as UTF-8".
// Empty if it may be one: a few bytes that no text should have are no reason, they are cleaned away.
std::string_view why_no_text(std::string_view start);

}  // namespace gradus::data
