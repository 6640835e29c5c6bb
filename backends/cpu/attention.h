// What packed attention and its gradient share. Scores are made tile by tile (at most kQueries rows
// of queries by kKeys of keys), so memory grows with the tokens, not with their square: Dao, Fu,
// Ermon, Rudra and Re, "FlashAttention" (2022), after Milakov and Gimelshein, "Online normalizer
// calculation for softmax" (2018). BLAS makes the products of a tile, and vector loops what lies
// between them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "backends/host.h"
#include "tensor/backend.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

// 96 x 256 x 32 stays below the million of multiply-adds up to which OpenBLAS does without packing.
inline constexpr std::int64_t kQueries = 96;
inline constexpr std::int64_t kKeys = 256;

// A view [tokens, heads, dim] with dense rows, or [tokens, heads] with dim 1.
template <class T>
struct Heads {
  T* data;
  std::int64_t token_step, head_step;

  T* at(std::int64_t token, std::int64_t head) const {
    return data + token * token_step + head * head_step;
  }
};
template <class T>
Heads<T> heads_of(const View& view) {
  if (view.buffer == nullptr) return {nullptr, 0, 0};
  // Of a single token any step will do, if it is one that BLAS accepts.
  const std::int64_t least = view.shape().rank() == 3 ? view.shape()[2] : 0;
  return {data_of<std::remove_const_t<T>>(view), std::max(view.layout.stride(0), least),
          view.layout.stride(1)};
}
// Keys [key, key + keys) of one head's biases, 0 without any.
template <class T>
std::array<T, kKeys> biases(const Heads<const T>& bias, std::int64_t key, std::int64_t keys,
                            std::int64_t head) {
  std::array<T, kKeys> result{};
  for (std::int64_t i = 0; bias.data != nullptr && i < keys; ++i) {
    result[static_cast<std::size_t>(i)] = *bias.at(key + i, head);
  }
  return result;
}
// Whether BLAS can read the rows in place.
bool has_dense_rows(const View& view);

// Queries [query, query_end) of the segment [begin, end), for one head.
struct AttentionTask {
  std::int64_t begin, end, head, query, query_end;
};
// Tasks and where groups of them begin and end: each group is enough work for a thread.
struct AttentionTasks {
  std::vector<AttentionTask> tasks;
  std::vector<std::size_t> groups;

  // Every segment and head, and every `queries` of queries. Throws IndexError unless offsets rise
  // from 0 to `tokens`. `width`: multiply-adds for one pair of query and key.
  AttentionTasks(const char* op, const View& offsets, std::int64_t tokens, std::int64_t heads,
                 std::int64_t queries, std::int64_t width);
  // Calls body(first, last) over the tasks of each group, in parallel.
  template <class Body>
  void run(const Body& body) const {
    parallel_for(static_cast<std::int64_t>(groups.size()) - 1, 1,
                 [&](std::int64_t i, std::int64_t end) {
                   for (; i < end; ++i) {
                     const auto at = static_cast<std::size_t>(i);
                     body(tasks.data() + groups[at], tasks.data() + groups[at + 1]);
                   }
                 });
  }
};

// The vector loops, compiled for each kind of CPU (attention_tiles.cpp).
template <class T>
struct AttentionTiles {
  // One step of the softmax of each row of s [rows, keys] + bias [keys]: the running maximum and
  // sum take in the row, whose elements become e^(s + bias - maximum); what was made with the old
  // maximum must be multiplied by `rescale`. A row of -inf alone adds nothing.
  void (*softmax)(T* s, const T* bias, std::int64_t rows, std::int64_t keys, T* maximum, T* sum,
                  T* rescale);
  // From scores s and dp = dL/dweights: weights p = e^(s + bias - log_sum) into s, and
  // ds = p * (dp - dot) into dp. dbias += the sums of the columns of ds.
  void (*gradient)(T* s, T* dp, const T* bias, std::int64_t rows, std::int64_t keys,
                   const T* log_sum, const T* dot, T* dbias);
  // y *= factor.
  void (*scale)(T* y, T factor, std::int64_t n);
  // The sum of a * b.
  double (*dot)(const T* a, const T* b, std::int64_t n);
};
template <class T>
AttentionTiles<T> attention_tiles();

}  // namespace gradus::cpu
