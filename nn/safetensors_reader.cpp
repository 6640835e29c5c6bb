// Reading safetensors, strictly. A header says of every tensor
//   "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
// where the offsets count bytes after the header; together they cover the rest of the file without
// gap or overlap.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "nn/half.h"
#include "nn/mapped_file.h"
#include "nn/safetensors.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::nn {

namespace {

using nlohmann::json;

constexpr std::int64_t kWidenedAtOnce = 1 << 16;
constexpr int kDeepest = 4;  // a file, its tensors, their fields, the sizes in a shape

// Numbers of 16 bits as f32, in memory of their own.
template <float (*Widen)(std::uint16_t)>
std::shared_ptr<std::byte> widened(std::span<const std::byte> bytes) {
  const std::size_t count = bytes.size() / 2;
  auto floats = std::make_shared_for_overwrite<float[]>(count);
  parallel_for(static_cast<std::int64_t>(count), kWidenedAtOnce,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   std::uint16_t number = 0;  // it may stand at any byte
                   std::memcpy(&number, bytes.data() + 2 * i, sizeof number);
                   floats[i] = Widen(number);
                 }
               });
  return {floats, reinterpret_cast<std::byte*>(floats.get())};
}

// Numbers of 64 bits as i32, or null if one does not fit.
std::shared_ptr<std::byte> narrowed(std::span<const std::byte> bytes) {
  const std::size_t count = bytes.size() / sizeof(std::int64_t);
  auto numbers = std::make_shared_for_overwrite<std::int32_t[]>(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t number = 0;
    std::memcpy(&number, bytes.data() + sizeof number * i, sizeof number);
    if (!std::in_range<std::int32_t>(number)) return nullptr;
    numbers[i] = static_cast<std::int32_t>(number);
  }
  return {numbers, reinterpret_cast<std::byte*>(numbers.get())};
}

// What a file calls a dtype, and how its numbers become ours where they are others.
struct FileType {
  std::string_view name;
  DType dtype;
  std::uint64_t size;  // bytes of a number
  std::shared_ptr<std::byte> (*convert)(std::span<const std::byte>) = nullptr;
};

constexpr FileType kFileTypes[] = {{"F32", DType::f32, 4},
                                   {"F64", DType::f64, 8},
                                   {"I32", DType::i32, 4},
                                   {"BOOL", DType::boolean, 1},
                                   {"F16", DType::f32, 2, widened<from_half>},
                                   {"BF16", DType::f32, 2, widened<from_bfloat16>},
                                   {"I64", DType::i32, 8, narrowed}};

struct Entry {
  std::string name;
  FileType stored;
  Shape shape;
  std::uint64_t begin, end;
};

std::optional<FileType> file_type_named(const std::string& name) {
  for (const FileType& each : kFileTypes) {
    if (name == each.name) return each;
  }
  return std::nullopt;
}

class Reader {
 public:
  Reader(const std::string& path, Backend& backend) : path_(path), backend_(backend), file_(path) {}

  Checkpoint read() {
    const json header = parse(read_header());
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        read_metadata(value);
      } else {
        entries.push_back(entry(name, value));
      }
    }
    // Names come sorted; tensors without elements stay in front of what follows them.
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    check_cover(entries);
    for (const Entry& e : entries) result_.tensors.emplace_back(e.name, read_tensor(e));
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw IoError(fmt::format("[load] {}: {}", path_, what));
  }
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    fail(fmt::format("tensor '{}': {}", name, what));
  }

  // Valid as long as the reader.
  std::string_view read_header() {
    const std::span<const std::byte> bytes = file_.bytes();
    std::uint64_t length = 0;
    if (bytes.size() < sizeof length) {
      fail(fmt::format("{} bytes are not a safetensors file", bytes.size()));
    }
    std::memcpy(&length, bytes.data(), sizeof length);
    if (length > kLongestHeader || length > bytes.size() - sizeof length) {
      fail(
          fmt::format("its header would take {} bytes, of {} in the file; it is truncated or "
                      "no safetensors file",
                      length, bytes.size()));
    }
    data_begin_ = sizeof length + length;
    data_size_ = bytes.size() - data_begin_;
    return {reinterpret_cast<const char*>(bytes.data()) + sizeof length, length};
  }

  // A JSON object in which no key comes twice.
  json parse(std::string_view text) const {
    if (!text.starts_with('{')) fail("its header does not begin with {");
    std::vector<std::set<std::string>> keys;  // of the objects that are open
    const auto check = [&](int depth, json::parse_event_t event, json& value) {
      if (depth > kDeepest) fail("its header is nested too deeply");
      if (event == json::parse_event_t::object_start) keys.emplace_back();
      if (event == json::parse_event_t::object_end) keys.pop_back();
      if (event == json::parse_event_t::key &&
          !keys.back().insert(value.get<std::string>()).second) {
        fail(fmt::format("the name '{}' is in its header twice", value.get<std::string>()));
      }
      return true;
    };
    try {
      return json::parse(text, check);
    } catch (const json::exception&) {
      fail("its header is not JSON");
    }
  }

  void read_metadata(const json& value) {
    if (!value.is_object()) fail("its metadata is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail(fmt::format("its metadata '{}' is not a string", key));
      result_.metadata[key] = text.get<std::string>();
    }
  }

  std::uint64_t natural(const std::string& name, const char* what, const json& value) const {
    if (!value.is_number_unsigned()) fail(name, fmt::format("{} is not a whole number", what));
    return value.get<std::uint64_t>();
  }

  Entry entry(const std::string& name, const json& value) const {
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
        !value.contains("shape") || !value.contains("data_offsets")) {
      fail(name, "it needs dtype, shape and data_offsets, and nothing else");
    }
    const json &type = value["dtype"], &sizes = value["shape"], &offsets = value["data_offsets"];
    if (!type.is_string() || !sizes.is_array() || !offsets.is_array() || offsets.size() != 2) {
      fail(name, "dtype must be a string, shape a list and data_offsets a pair");
    }
    const std::optional<FileType> stored = file_type_named(type.get<std::string>());
    if (!stored) {
      fail(name,
           fmt::format("dtype {} is not one of F32, F64, I32, BOOL, F16, BF16, I64", type.dump()));
    }
    const Entry e{name, *stored, shape(name, sizes), natural(name, "an offset", offsets[0]),
                  natural(name, "an offset", offsets[1])};
    if (e.begin > e.end || e.end > data_size_) {
      fail(name, fmt::format("its bytes {} to {} are not within the {} bytes of data; the file may "
                             "be truncated",
                             e.begin, e.end, data_size_));
    }
    // The shape's product fits 63 bits, but times the element size it may not: divide instead.
    const std::uint64_t width = e.stored.size, bytes = e.end - e.begin;
    if (bytes % width != 0 || bytes / width != static_cast<std::uint64_t>(e.shape.numel())) {
      fail(name, fmt::format("{} bytes do not hold {} {}", bytes, type.get<std::string>(),
                             to_string(e.shape)));
    }
    return e;
  }

  Shape shape(const std::string& name, const json& sizes) const {
    std::vector<std::int64_t> list;
    for (const json& size : sizes) {
      // More than 63 bits become negative, which Shape refuses.
      list.push_back(static_cast<std::int64_t>(natural(name, "a size", size)));
    }
    try {
      return Shape(list);
    } catch (const ShapeError& e) {
      fail(name, e.what());
    }
  }

  void check_cover(const std::vector<Entry>& entries) const {
    std::uint64_t end = 0;
    for (const Entry& e : entries) {
      if (e.begin != end) {
        fail(e.name, fmt::format("its data begins at byte {}, {} byte {} where the one before ends",
                                 e.begin, e.begin < end ? "before" : "after", end));
      }
      end = e.end;
    }
    if (end != data_size_) {
      fail(fmt::format("{} bytes at its end belong to no tensor", data_size_ - end));
    }
  }

  // The file's own memory where the backend takes it and its elements are aligned, else a copy.
  Tensor read_tensor(const Entry& e) {
    const auto& [type, dtype, size, convert] = e.stored;
    const std::uint64_t begin = data_begin_ + e.begin;
    const std::span<const std::byte> bytes = file_.bytes().subspan(begin, e.end - e.begin);
    if (dtype == DType::boolean &&
        std::any_of(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; })) {
      fail(e.name, "a BOOL is neither 0 nor 1");
    }
    const auto memory = convert != nullptr ? convert(bytes) : file_.from(begin);
    if (convert != nullptr && memory == nullptr) {
      fail(e.name, fmt::format("a number of type {} does not fit i32", type));
    }
    if (convert != nullptr || begin % size == 0) {
      if (auto buffer = backend_.adopt(memory, bytes.size() / size * size_of(dtype))) {
        return Tensor(std::move(buffer), Layout(e.shape), dtype, backend_);
      }
    }
    Tensor x = empty(e.shape, {dtype, &backend_});
    backend_.upload(memory.get(), x.view());
    return x;
  }

  std::string path_;
  Backend& backend_;
  MappedFile file_;
  std::uint64_t data_begin_ = 0, data_size_ = 0;  // of the tensors' bytes in the file
  Checkpoint result_;
};

}  // namespace

Checkpoint load(const std::string& path, Backend& backend) { return Reader(path, backend).read(); }

}  // namespace gradus::nn
