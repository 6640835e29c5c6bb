// How the work of attention is cut, and which keys are hidden.
#include <fmt/format.h>

#include <limits>

#include "backends/cpu/attention.h"
#include "tensor/error.h"

namespace gradus::cpu {

AttentionPlan::AttentionPlan(const char* op, const AttentionInputs& in)
    : packed(in.offsets.buffer != nullptr),
      heads(in.q.shape()[1]),
      dim(in.q.shape()[-1]),
      value_dim(in.v.shape()[-1]),
      causal(in.causal),
      key_bias_(in.key_bias),
      mask_(in.mask) {
  if (mask_.buffer != nullptr) {
    keys_masked_ = mask_.layout.stride(2) == 0 || mask_.layout.shape[2] == 1;
  }
  if (packed) {
    add_segments(op, in.offsets, in.q.shape()[0]);
  } else {
    add_batch(in.q.shape(), in.k.shape()[2]);
  }
  std::int64_t longest = 0;
  for (const AttentionItem& i : items) longest = std::max(longest, i.all_keys_end - i.key_begin);
  dropout_width = (longest + 3) / 4 * 4;
}

void AttentionPlan::add_segments(const char* op, const View& offsets, std::int64_t tokens) {
  const std::int64_t segments = offsets.shape().numel() - 1;
  std::int64_t begin = 0;
  for (std::int64_t s = 0; s <= segments; ++s) {
    const std::int64_t end = data_of<std::int32_t>(offsets)[s * offsets.layout.stride(0)];
    if (end < begin || (s == 0 && end != 0) || (s == segments && end != tokens)) {
      throw IndexError(fmt::format(
          "[{}] offsets must rise from 0 to the {} tokens: number {} is {}", op, tokens, s, end));
    }
    if (end > begin) items.push_back({0, begin, end, begin, end, end});
    begin = end;
  }
}

// Where all heads and queries of an item have one mask, keys behind the last that it allows (those
// that pad a text) need not be computed.
void AttentionPlan::add_batch(const Shape& q, std::int64_t keys) {
  queries_ = q[2];
  const bool shared = keys_masked_ && (mask_.layout.stride(1) == 0 || mask_.layout.shape[1] == 1);
  for (std::int64_t b = 0; b < q[0]; ++b) {
    std::int64_t end = keys;
    if (shared) {
      const bool* allowed = data_of<bool>(mask_) + b * mask_.layout.stride(0);
      while (end > 0 && !allowed[(end - 1) * mask_.layout.stride(3)]) --end;
    }
    items.push_back({b, 0, queries_, 0, end, keys});
  }
}

std::vector<AttentionTask> AttentionPlan::cut(std::int64_t queries, std::int64_t width,
                                              std::vector<std::size_t>& groups) const {
  constexpr std::int64_t kEnough = std::int64_t{1} << 21;  // multiply-adds
  std::vector<AttentionTask> tasks;
  std::int64_t work = 0;
  for (const AttentionItem& i : items) {
    const std::int64_t step = queries > 0 ? queries : std::max<std::int64_t>(i.query_end, 1);
    for (std::int64_t head = 0; head < heads; ++head) {
      std::int64_t query = i.query_begin;
      do {  // an item without queries has a task too: the gradients of its keys are zero
        if (work == 0) groups.push_back(tasks.size());
        const std::int64_t end = std::min(i.query_end, query + step);
        tasks.push_back({i, head, query, end});
        work += (end - query) * (i.key_end - i.key_begin) * width + 1;
        if (work >= kEnough) work = 0;
        query = end;
      } while (query < i.query_end);
    }
  }
  groups.push_back(tasks.size());
  return tasks;
}

template <class T>
std::array<T, kKeys> AttentionPlan::biases(const AttentionTask& task, std::int64_t key,
                                           std::int64_t keys) const {
  std::array<T, kKeys> result{};
  if (key_bias_.buffer != nullptr) {
    const Heads<const T> bias = heads_of<const T>(key_bias_, packed);
    for (std::int64_t i = 0; i < keys; ++i) {
      result[static_cast<std::size_t>(i)] = *bias.at(task.item.item, key + i, task.head);
    }
  }
  return result;
}
template std::array<float, kKeys> AttentionPlan::biases(const AttentionTask&, std::int64_t,
                                                        std::int64_t) const;
template std::array<double, kKeys> AttentionPlan::biases(const AttentionTask&, std::int64_t,
                                                         std::int64_t) const;

template <class T>
void AttentionPlan::mask(const AttentionTask& task, std::int64_t query, std::int64_t rows,
                         std::int64_t key, std::int64_t keys, std::array<T, kKeys>& bias,
                         T* scores) const {
  constexpr T kHidden = -std::numeric_limits<T>::infinity();
  const AttentionItem& item = task.item;
  const std::int64_t row_step = score_step(keys);
  for (std::int64_t i = 0; i < keys; ++i) {
    T& b = bias[static_cast<std::size_t>(i)];
    if (b < kHiddenKey<T>) continue;
    for (std::int64_t r = 0; r < rows; ++r) scores[r * row_step + i] += b;
    b = 0;
  }
  if (mask_.buffer != nullptr) {
    const Layout& m = mask_.layout;
    const std::int64_t step = m.stride(3);
    const bool* allowed = data_of<bool>(mask_) + item.item * m.stride(0) + task.head * m.stride(1) +
                          query * m.stride(2) + key * step;
    for (std::int64_t i = 0; keys_masked_ && i < keys; ++i) {
      if (!allowed[i * step]) bias[static_cast<std::size_t>(i)] = kHiddenKey<T>;
    }
    for (std::int64_t r = 0; !keys_masked_ && r < rows; ++r, allowed += m.stride(2)) {
      T* row = scores + r * row_step;
      for (std::int64_t i = 0; i < keys; ++i) row[i] = allowed[i * step] ? row[i] : kHidden;
    }
  }
  for (std::int64_t r = 0; causal && r < rows; ++r) {
    const std::int64_t visible = query + r - item.query_begin + 1 - (key - item.key_begin);
    T* row = scores + r * row_step;
    std::fill(row + std::clamp<std::int64_t>(visible, 0, keys), row + keys, kHidden);
  }
}
template void AttentionPlan::mask(const AttentionTask&, std::int64_t, std::int64_t, std::int64_t,
                                  std::int64_t, std::array<float, kKeys>&, float*) const;
template void AttentionPlan::mask(const AttentionTask&, std::int64_t, std::int64_t, std::int64_t,
                                  std::int64_t, std::array<double, kKeys>&, double*) const;

}  // namespace gradus::cpu
