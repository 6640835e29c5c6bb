// Saves and loads models as safetensors: a JSON header with names, shapes and offsets, then the
// numbers and nothing else. Python and Rust can read such a file too, and it never runs code.
// Format: https://github.com/huggingface/safetensors
//
//   nn::save("model.safetensors", model, {{"classes", "pos,neg"}});
//   auto metadata = nn::load("model.safetensors", model);    // into a model of the same layout
//
//   nn::Checkpoint file = nn::load("model.safetensors");     // or without a model
//   file.metadata.at("classes");
//   nn::load_state(model, file.tensors, "model.safetensors");
//
// A backend that can adopt memory (Backend::adopt) maps the file, and the system reads numbers as
// they are needed: loading takes no time, whatever the size. Nothing ever writes into the file.
// Replacing it, as save() does, leaves loaded tensors alone; overwriting it in place does not.
//
// 16-bit numbers in a file (F16, BF16) become f32 and I64 becomes i32, which takes the time and
// memory of a copy.
//
// Saving the same tensors gives the same bytes. A file appears whole or not at all. Loading trusts
// nothing: whatever is wrong with a file is an IoError that names the file and the fault, and the
// memory used is in proportion to the length of the file, whatever its header claims.
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
  // Stores f32 numbers as F16: half the bytes, three digits, at most 65504 in magnitude.
  bool half = false;
};

// The format's own limit to the bytes of a header.
inline constexpr std::uint64_t kLongestHeader = 100'000'000;

// Throws IoError if the file cannot be written, a name occurs twice, text is not UTF-8, a number is
// too large for F16, or names and metadata take more than kLongestHeader.
void save(const std::string& path, const NamedTensors& tensors, const Metadata& metadata = {},
          SaveOptions options = {});
// Reads tensors of dtype F32, F64, I32 and BOOL; F16 and BF16 as f32; I64 as i32, which its numbers
// must fit. Throws IoError.
Checkpoint load(const std::string& path, Backend& backend = default_backend());

// Saves and loads the module's state(). load() requires the same names, shapes and dtypes, except
// for num_batches_tracked, which PyTorch's BatchNorm saves and we ignore. Otherwise it throws one
// IoError that lists all differences, and changes nothing.
void save(const std::string& path, const Module& module, const Metadata& metadata = {},
          SaveOptions options = {});
Metadata load(const std::string& path, Module& module);
// Copies tensors in memory into the module, with the same checks; the message names `source`.
void load_state(Module& module, const NamedTensors& tensors, const std::string& source);
// The same without copying: the module's parameters and buffers become these tensors, as in
// Module::replace. For a module made under init::Skip.
void take_state(Module& module, const NamedTensors& tensors, const std::string& source);

}  // namespace gradus::nn
