#include "nn/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "autograd/compute.h"
#include "nn/atomic_file.h"
#include "nn/half.h"
#include "tensor/error.h"

namespace gradus::nn {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

namespace {

using nlohmann::ordered_json;

// How a file holds the numbers of a dtype.
struct Stored {
  const char* name;
  std::uint64_t size;  // bytes of a number
};

Stored stored_as(DType dtype, SaveOptions options) {
  switch (dtype) {
    case DType::f64: return {"F64", 8};
    case DType::i32: return {"I32", 4};
    case DType::boolean: return {"BOOL", 1};
    default: return options.half ? Stored{"F16", 2} : Stored{"F32", 4};
  }
}

// Throws IoError, naming the tensor, for a number that F16 does not have.
std::vector<std::byte> half_bytes(const std::vector<float>& numbers, const std::string& name) {
  std::vector<std::byte> bytes(2 * numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (std::abs(numbers[i]) > kLargestHalf) {
      throw IoError(fmt::format("[save] {}: {} is too large for half precision, which ends at {}",
                                name, numbers[i], kLargestHalf));
    }
    const std::uint16_t half = to_half(numbers[i]);
    std::memcpy(&bytes[2 * i], &half, sizeof half);
  }
  return bytes;
}

std::vector<std::byte> bytes_of(const std::string& name, const Tensor& x, SaveOptions options) {
  if (options.half && x.dtype() == DType::f32) return half_bytes(x.to_vector<float>(), name);
  std::vector<std::byte> bytes(static_cast<std::size_t>(x.numel()) * size_of(x.dtype()));
  x.backend().download(compute::contiguous(x).view(), bytes.data());
  return bytes;
}

std::string header_of(const NamedTensors& tensors, const Metadata& metadata, SaveOptions options) {
  ordered_json header = ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t end = 0;
  for (const auto& [name, x] : tensors) {
    const Stored stored = stored_as(x.dtype(), options);
    const std::uint64_t begin =
        std::exchange(end, end + static_cast<std::uint64_t>(x.numel()) * stored.size);
    header[name] = {{"dtype", stored.name},
                    {"shape", std::vector<std::int64_t>(x.shape().begin(), x.shape().end())},
                    {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the numbers begin at a multiple of 8
  return text;
}

}  // namespace

// A file is: the header's length (8 bytes), the header, the tensors' bytes one after another.
void save(const std::string& path, const NamedTensors& tensors, const Metadata& metadata,
          SaveOptions options) {
  std::set<std::string> names{"__metadata__"};
  for (const auto& [name, x] : tensors) {
    if (!names.insert(name).second) {
      throw IoError(fmt::format("[save] {}: the name '{}' is there twice or reserved", path, name));
    }
  }
  NamedTensors sorted = tensors;  // large elements first, so that every tensor is aligned
  std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) {
    return stored_as(a.second.dtype(), options).size > stored_as(b.second.dtype(), options).size;
  });
  std::string header;
  try {
    header = header_of(sorted, metadata, options);
  } catch (const nlohmann::json::exception&) {
    throw IoError(fmt::format("[save] {}: a name or the metadata is not valid UTF-8", path));
  }
  const std::uint64_t length = header.size();
  if (length > kLongestHeader) {
    throw IoError(
        fmt::format("[save] {}: names and metadata take {} bytes, and a header at most {}", path,
                    length, kLongestHeader));
  }
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(std::as_bytes(std::span(header)));
  for (const auto& [name, x] : sorted) file.write(bytes_of(name, x, options));
  file.commit();
}

void save(const std::string& path, const Module& module, const Metadata& metadata,
          SaveOptions options) {
  save(path, module.state(), metadata, options);
}

Metadata load(const std::string& path, Module& module) {
  const NamedTensors state = module.state();
  Checkpoint file = load(path, state.empty() ? default_backend() : state.front().second.backend());
  load_state(module, file.tensors, path);
  return std::move(file.metadata);
}

namespace {

// `tensors` by name. Throws IoError unless they are the module's, by names, shapes and dtypes.
std::map<std::string, Tensor> fitting(const Module& module, const NamedTensors& tensors,
                                      const std::string& source) {
  std::map<std::string, Tensor> found(tensors.begin(), tensors.end());
  const NamedTensors wanted = module.state();
  std::string differences;
  for (const auto& [name, x] : wanted) {
    const auto at = found.find(name);
    if (at == found.end()) {
      differences += fmt::format("\n  missing: {} {}", name, to_string(x.shape()));
    } else if (at->second.shape() != x.shape() || at->second.dtype() != x.dtype()) {
      differences += fmt::format("\n  {}: the file has {} {}, the model {} {}", name,
                                 name_of(at->second.dtype()), to_string(at->second.shape()),
                                 name_of(x.dtype()), to_string(x.shape()));
    }
  }
  std::map<std::string, Tensor> unexpected = found;
  for (const auto& [name, x] : wanted) unexpected.erase(name);
  for (const auto& [name, x] : unexpected) {
    // PyTorch's BatchNorm has it, and no use for it.
    if (name.ends_with("num_batches_tracked")) continue;
    differences += fmt::format("\n  unexpected: {} {}", name, to_string(x.shape()));
  }
  if (!differences.empty()) {
    throw IoError(
        fmt::format("[load] {} does not fit the model {}:{}", source, module.type(), differences));
  }
  return found;
}

}  // namespace

void load_state(Module& module, const NamedTensors& tensors, const std::string& source) {
  const auto found = fitting(module, tensors, source);
  for (auto& [name, x] : module.state()) x.assign(found.at(name));
}

void take_state(Module& module, const NamedTensors& tensors, const std::string& source) {
  const auto found = fitting(module, tensors, source);
  module.replace([&](const std::string& name, const Tensor&) { return found.at(name); });
}

}  // namespace gradus::nn
