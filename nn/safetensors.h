// Models on disk, as safetensors: a JSON header with names, shapes and places, then the numbers and
// nothing else. Such a file can be read by Python and Rust too, and never runs code.
// Format: https://github.com/huggingface/safetensors
//
//   nn::save("model.safetensors", model, {{"classes", "pos,neg"}});
//   auto metadata = nn::load("model.safetensors", model);    // into a model of the same layout
//
//   nn::Checkpoint file = nn::load("model.safetensors");     // or as it is
//   file.metadata.at("classes");
//   nn::load_state(model, file.tensors, "model.safetensors");
//
// Backends that can (Backend::adopt) use the numbers where they lie in the file, which the system
// then reads as they are needed: loading takes no time, whatever the size. Nothing ever writes into
// the file, and replacing it (save() does) leaves what was loaded alone; overwriting it in place
// does not.
//
// Numbers of 16 bits in a file (F16, BF16) become f32 when they are loaded and I64 becomes i32, which takes
// the time and the memory of a copy.
//
// Writing the same tensors gives the same bytes. A file appears whole or not at all. Reading trusts
// nothing: whatever is wrong with a file is an IoError that names the file and says what, and the
// memory asked for is in proportion to the length of the file, whatever its header claims.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "nn/module.h"

namespace gradus::nn {

using Metadata = std::map<std::string, std::string>;

struct Checkpoint {
  NamedTensors tensors;  // in the order of their data in the file
  Metadata metadata;
};

struct SaveOptions {
  bool half =
      false;  // f32 numbers as F16: half the bytes, three digits, at most 65504 in magnitude
};

// Bytes of a header; the format's own limit.
inline constexpr std::uint64_t kLongestHeader = 100'000'000;

// Throws IoError if the file cannot be written, a name is there twice, text is not UTF-8, or a number
// is too large for F16, or names and metadata take more than kLongestHeader.
void save(const std::string& path, const NamedTensors& tensors, const Metadata& metadata = {},
          SaveOptions options = {});
// Tensors of dtype F32, F64, I32 and BOOL, F16 and BF16 as f32, and I64 as i32, which its numbers must fit.
Checkpoint load(const std::string& path, Backend& backend = default_backend());

// The module's state(). load() wants every name to be there with its shape and dtype, and no
// others (but num_batches_tracked, which PyTorch's BatchNorm saves and we need not): it throws one IoError
// that lists all differences, before it changes anything.
void save(const std::string& path, const Module& module, const Metadata& metadata = {},
          SaveOptions options = {});
Metadata load(const std::string& path, Module& module);
// The same from tensors in memory; `source` is for the message.
void load_state(Module& module, const NamedTensors& tensors, const std::string& source);
// The tensors themselves in the place of the module's, as Module::replace does, without a copy. For
// a module made under init::Skip.
void take_state(Module& module, const NamedTensors& tensors, const std::string& source);

}  // namespace gradus::nn
