// What attention and its gradient share. Scores are made tile by tile (at most kQueries rows of
// queries by kKeys of keys), so memory grows with the tokens, not with their square: Dao, Fu, Ermon,
// Rudra and Re, "FlashAttention" (2022), after Milakov and Gimelshein, "Online normalizer calculation
// for softmax" (2018). Between the products of a tile lie vector loops.
//
// Packed and dense batches are one to the kernels: a list of items, each with its queries and keys.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "backends/cpu/gemm.h"
#include "backends/host.h"
#include "tensor/backend.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

// A tile of scores and one of their gradients, in f32, fill 400 KiB of a second-level cache.
inline constexpr std::int64_t kQueries = 192;
inline constexpr std::int64_t kKeys = 256;

// From one row of a tile of scores to the next: rows begin where vectors do, and not a power of two apart
// (read_in_place, gemm.cpp).
constexpr std::int64_t score_step(std::int64_t keys) { return ((keys + 15) / 16 | 1) * 16; }
inline constexpr std::int64_t kScores = kQueries * score_step(kKeys);  // of a tile, at most

// Where the row of a token and head lies, in [tokens, heads, dim] or [tokens, heads] of a packed
// batch (item is 0 and the tokens count through), or in [batch, heads, time, dim] or [batch, heads,
// time] of a dense one.
template <class T>
struct Heads {
  T* data = nullptr;
  std::int64_t item_step = 0, token_step = 0, head_step = 0;

  T* at(std::int64_t item, std::int64_t token, std::int64_t head) const {
    return data + item * item_step + token * token_step + head * head_step;
  }
  // The rows of a head from a token on.
  auto rows(std::int64_t item, std::int64_t token, std::int64_t head) const {
    return Matrix<std::remove_const_t<T>>{at(item, token, head), token_step, 1};
  }
};
template <class T>
Heads<T> heads_of(const View& view, bool packed) {
  if (view.buffer == nullptr) return {};
  const Layout& x = view.layout;
  T* data = data_of<std::remove_const_t<T>>(view);
  if (packed) return {data, 0, x.stride(0), x.stride(1)};
  return {data, x.stride(0), x.stride(2), x.stride(1)};
}

// In the place of a key's bias: whatever its scores are, NaN too, no query sees them.
template <class T>
inline constexpr T kHiddenKey = std::numeric_limits<T>::infinity();

// A list of queries that look at a list of keys: a segment or a batch item.
struct AttentionItem {
  std::int64_t item = 0;  // of a dense batch
  std::int64_t query_begin = 0, query_end = 0;
  std::int64_t key_begin = 0, key_end = 0;  // up to the last key that any query may look at
  std::int64_t all_keys_end = 0;
};
// Some queries of an item, for one head.
struct AttentionTask {
  AttentionItem item;
  std::int64_t head;
  std::int64_t query, query_end;
};

// The sizes of attention, its items, and which weights are masked or dropped.
struct AttentionPlan {
  bool packed;
  std::int64_t heads, dim, value_dim;
  std::vector<AttentionItem> items;
  bool causal;

  // Throws IndexError unless offsets rise from 0 to the tokens. `op` is for its message.
  AttentionPlan(const char* op, const AttentionInputs& in);

  // The number of the row of a query in the stream of dropout, and the length of such a row.
  std::int64_t dropout_row(const AttentionTask& task, std::int64_t query) const {
    return packed ? query * heads + task.head
                  : (task.item.item * heads + task.head) * queries_ + query;
  }
  std::int64_t dropout_width = 0;

  // The key from which on no query before `query_end` may look.
  std::int64_t last_key(const AttentionTask& task, std::int64_t query_end) const {
    const AttentionItem& i = task.item;
    return causal ? std::min(i.key_end, i.key_begin + query_end - i.query_begin) : i.key_end;
  }

  // What is added to the scores of keys [key, key + keys).
  template <class T>
  std::array<T, kKeys> biases(const AttentionTask& task, std::int64_t key, std::int64_t keys) const;
  // Hides: a key from all queries by a bias of kHiddenKey, a score of [rows, keys] by -inf. Biases that
  // would clash (NaN, as a key of NaN may have) are added to the scores before, and become 0.
  template <class T>
  void mask(const AttentionTask& task, std::int64_t query, std::int64_t rows, std::int64_t key,
            std::int64_t keys, std::array<T, kKeys>& bias, T* scores) const;

  // Calls body(first, last) over lists of tasks, in parallel. A task has at most `queries` queries;
  // 0: all of its item. `width`: multiply-adds for one pair of query and key.
  template <class Body>
  void run(std::int64_t queries, std::int64_t width, const Body& body) const {
    std::vector<std::size_t> groups;
    const std::vector<AttentionTask> tasks = cut(queries, width, groups);
    parallel_for(static_cast<std::int64_t>(groups.size()) - 1, 1,
                 [&](std::int64_t i, std::int64_t end) {
                   for (; i < end; ++i) {
                     const auto at = static_cast<std::size_t>(i);
                     body(tasks.data() + groups[at], tasks.data() + groups[at + 1]);
                   }
                 });
  }

 private:
  void add_segments(const char* op, const View& offsets, std::int64_t tokens);
  void add_batch(const Shape& q, std::int64_t keys);
  // Tasks, and where groups of them begin and end: each group is enough work for a thread.
  std::vector<AttentionTask> cut(std::int64_t queries, std::int64_t width,
                                 std::vector<std::size_t>& groups) const;

  std::int64_t queries_ = 0;  // of an item of a dense batch
  View key_bias_, mask_;
  bool keys_masked_ = false;  // the mask is the same for all queries of an item and head
};

// Which weights of a row of keys are dropped: multipliers, 0 or 1 / (1 - p).
struct AttentionDropout {
  double p = 0;
  std::uint64_t seed = 0, stream = 0;
  std::uint64_t first_number = 0;  // of the tile's first row in the stream: a multiple of 4
  std::uint64_t row_distance = 0;  // numbers from row to row
};

// The vector loops, compiled for each kind of CPU (attention_tiles.cpp).
template <class T>
struct AttentionTiles {
  // One step of the softmax of each row of s [rows, keys] (score_step) + bias [keys], where a bias may
  // be kHiddenKey: the running maximum and sum take in the row, whose elements become e^(s + bias -
  // maximum), times what dropout makes of them; what was made with the old maximum must be multiplied
  // by `rescale`. A row of -inf alone adds nothing.
  void (*softmax)(T* s, const T* bias, std::int64_t rows, std::int64_t keys,
                  const AttentionDropout& dropout, T* maximum, T* sum, T* rescale);
  // With k the multipliers of dropout, from scores s and dp = dL/d(weights * k): weights p = e^(s +
  // bias - log_sum), p * k into s, and ds = p * (dp * k - dot) into dp. dbias += the sums of the
  // columns of ds.
  void (*gradient)(T* s, T* dp, const T* bias, std::int64_t rows, std::int64_t keys,
                   const AttentionDropout& dropout, const T* log_sum, const T* dot, T* dbias);
  // y *= factor.
  void (*scale)(T* y, T factor, std::int64_t n);
  // The sum of a * b.
  double (*dot)(const T* a, const T* b, std::int64_t n);
};
template <class T>
AttentionTiles<T> attention_tiles();

}  // namespace gradus::cpu
