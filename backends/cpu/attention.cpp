#include "backends/cpu/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "backends/cpu/blas.h"
#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/error.h"

namespace gradus::cpu {

bool has_dense_rows(const View& view) {
  const Layout& x = view.layout;
  const std::int64_t dim = x.shape[-1];
  return (dim == 1 || x.stride(-1) == 1) && x.shape[0] > 0 &&
         (x.shape[0] == 1 || x.stride(0) >= dim) && x.stride(0) <= kBlasLimit && dim > 0;
}

AttentionTasks::AttentionTasks(const char* op, const View& offsets, std::int64_t tokens,
                               std::int64_t heads, std::int64_t queries, std::int64_t width) {
  constexpr std::int64_t kEnough = std::int64_t{1} << 21;  // multiply-adds
  const std::int64_t segments = offsets.shape().numel() - 1;
  const auto offset = [&](std::int64_t i) {
    return std::int64_t{data_of<std::int32_t>(offsets)[i * offsets.layout.stride(0)]};
  };
  std::int64_t work = 0;
  std::int64_t begin = 0;
  for (std::int64_t s = 0; s <= segments; ++s) {
    const std::int64_t end = offset(s);
    if (end < begin || (s == 0 && end != 0) || (s == segments && end != tokens)) {
      throw IndexError(fmt::format(
          "[{}] offsets must rise from 0 to the {} tokens: number {} is {}", op, tokens, s, end));
    }
    for (std::int64_t head = 0; head < heads; ++head) {
      for (std::int64_t query = begin; query < end; query += queries) {
        if (work == 0) groups.push_back(tasks.size());
        const std::int64_t query_end = std::min(end, query + queries);
        tasks.push_back({begin, end, head, query, query_end});
        work += (query_end - query) * (end - begin) * width;
        if (work >= kEnough) work = 0;
      }
    }
    begin = end;
  }
  groups.push_back(tasks.size());
}

namespace {

// The queries of one task against all keys of its segment, a tile of keys at a time.
template <class T>
class Forward {
 public:
  Forward(const View& q, const View& k, const View& v, const View& key_bias, double scale,
          const View& y, const View& log_sum)
      : q_(heads_of<const T>(q)),
        k_(heads_of<const T>(k)),
        v_(heads_of<const T>(v)),
        bias_(heads_of<const T>(key_bias)),
        y_(heads_of<T>(y)),
        log_sum_(heads_of<T>(log_sum)),
        dim_(q.shape()[-1]),
        value_dim_(v.shape()[-1]),
        scale_(static_cast<T>(scale)) {}

  // `scores` is work space for kQueries * kKeys elements.
  void operator()(const AttentionTask& task, T* scores) const {
    const std::int64_t rows = task.query_end - task.query;
    std::array<T, kQueries> maximum, sum, rescale;
    maximum.fill(-std::numeric_limits<T>::infinity());
    sum.fill(0);
    T* y = y_.at(task.query, task.head);
    for (std::int64_t key = task.begin; key < task.end; key += kKeys) {
      const std::int64_t keys = std::min(kKeys, task.end - key);
      const std::array<T, kKeys> bias = biases(bias_, key, keys, task.head);
      gemm(kPlain, kTransposed, rows, keys, dim_, scale_, q_.at(task.query, task.head),
           q_.token_step, k_.at(key, task.head), k_.token_step, T{0}, scores, keys);
      tiles_.softmax(scores, bias.data(), rows, keys, maximum.data(), sum.data(), rescale.data());
      const bool first = key == task.begin;
      for (std::int64_t r = 0; !first && r < rows; ++r) {
        tiles_.scale(y + r * y_.token_step, rescale[static_cast<std::size_t>(r)], value_dim_);
      }
      gemm(kPlain, kPlain, rows, value_dim_, keys, T{1}, scores, keys, v_.at(key, task.head),
           v_.token_step, first ? T{0} : T{1}, y, y_.token_step);
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto i = static_cast<std::size_t>(r);
      if (sum[i] == 0) {
        std::fill_n(y + r * y_.token_step, value_dim_, T{0});
      } else {
        tiles_.scale(y + r * y_.token_step, 1 / sum[i], value_dim_);
      }
      *log_sum_.at(task.query + r, task.head) = maximum[i] + std::log(sum[i]);  // -inf for nothing
    }
  }

 private:
  Heads<const T> q_, k_, v_, bias_;
  Heads<T> y_, log_sum_;
  std::int64_t dim_, value_dim_;
  T scale_;
  AttentionTiles<T> tiles_ = attention_tiles<T>();
};

// Of one segment and head, all gradients: keys outside, queries inside, so that dk and dv of a tile
// are finished at once; dq gathers over the tiles of keys, in order.
template <class T>
class Backward {
 public:
  Backward(const View& q, const View& k, const View& v, const View& key_bias, double scale,
           const View& y, const View& log_sum, const View& g, const View& dq, const View& dk,
           const View& dv, const View& dkey_bias)
      : q_(heads_of<const T>(q)),
        k_(heads_of<const T>(k)),
        v_(heads_of<const T>(v)),
        bias_(heads_of<const T>(key_bias)),
        y_(heads_of<const T>(y)),
        log_sum_(heads_of<const T>(log_sum)),
        g_(heads_of<const T>(g)),
        dq_(heads_of<T>(dq)),
        dk_(heads_of<T>(dk)),
        dv_(heads_of<T>(dv)),
        dbias_(heads_of<T>(dkey_bias)),
        dim_(q.shape()[-1]),
        value_dim_(v.shape()[-1]),
        scale_(static_cast<T>(scale)) {}

  // `work` is space for 2 * kQueries * kKeys elements.
  void operator()(const AttentionTask& task, T* work) const {
    for (std::int64_t key = task.begin; key < task.end; key += kKeys) {
      const std::int64_t keys = std::min(kKeys, task.end - key);
      const std::array<T, kKeys> bias = biases(bias_, key, keys, task.head);
      std::array<T, kKeys> dbias{};
      for (std::int64_t query = task.begin; query < task.end; query += kQueries) {
        const std::int64_t rows = std::min(kQueries, task.end - query);
        tile(task, query, rows, key, keys, work, bias.data(), dbias.data());
      }
      for (std::int64_t i = 0; dbias_.data != nullptr && i < keys; ++i) {
        *dbias_.at(key + i, task.head) = dbias[static_cast<std::size_t>(i)];
      }
    }
  }

 private:
  void tile(const AttentionTask& task, std::int64_t query, std::int64_t rows, std::int64_t key,
            std::int64_t keys, T* p, const T* bias, T* dbias) const {
    const std::int64_t head = task.head;
    T* ds = p + kQueries * kKeys;
    std::array<T, kQueries> log_sum, dot;
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto i = static_cast<std::size_t>(r);
      log_sum[i] = *log_sum_.at(query + r, head);
      dot[i] =
          static_cast<T>(tiles_.dot(g_.at(query + r, head), y_.at(query + r, head), value_dim_));
    }
    const T* q = q_.at(query, head);
    const T* k = k_.at(key, head);
    const T* g = g_.at(query, head);
    gemm(kPlain, kTransposed, rows, keys, dim_, scale_, q, q_.token_step, k, k_.token_step, T{0}, p,
         keys);
    gemm(kPlain, kTransposed, rows, keys, value_dim_, T{1}, g, g_.token_step, v_.at(key, head),
         v_.token_step, T{0}, ds, keys);
    tiles_.gradient(p, ds, bias, rows, keys, log_sum.data(), dot.data(), dbias);
    const T first_query = query == task.begin ? T{0} : T{1};
    const T first_key = key == task.begin ? T{0} : T{1};
    gemm(kTransposed, kPlain, keys, value_dim_, rows, T{1}, p, keys, g, g_.token_step, first_query,
         dv_.at(key, head), dv_.token_step);
    gemm(kTransposed, kPlain, keys, dim_, rows, scale_, ds, keys, q, q_.token_step, first_query,
         dk_.at(key, head), dk_.token_step);
    gemm(kPlain, kPlain, rows, dim_, keys, scale_, ds, keys, k, k_.token_step, first_key,
         dq_.at(query, head), dq_.token_step);
  }

  Heads<const T> q_, k_, v_, bias_, y_, log_sum_, g_;
  Heads<T> dq_, dk_, dv_, dbias_;
  std::int64_t dim_, value_dim_;
  T scale_;
  AttentionTiles<T> tiles_ = attention_tiles<T>();
};

bool all_dense(std::initializer_list<const View*> views) {
  return std::all_of(views.begin(), views.end(), [](const View* v) { return has_dense_rows(*v); });
}

}  // namespace

bool attention(Cache& cache, const AttentionInputs& in, const View& y, const View& log_sum) {
  const View &q = in.q, &k = in.k, &v = in.v, &key_bias = in.key_bias, &offsets = in.offsets;
  if (offsets.buffer == nullptr || in.causal || in.dropout > 0) return false;
  const std::int64_t tokens = q.shape()[0];
  const std::int64_t heads = q.shape()[1];
  const std::int64_t width = q.shape()[2] + v.shape()[2];
  if (!all_dense({&q, &k, &v, &y})) return tokens == 0;
  const AttentionTasks tasks("attention", offsets, tokens, heads, kQueries, width);
  dispatch_floating(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Forward<T> forward(q, k, v, key_bias, in.scale, y, log_sum);
    tasks.run([&](const AttentionTask* first, const AttentionTask* last) {
      Scratch<T> scores(cache, kQueries * kKeys);
      for (; first < last; ++first) forward(*first, scores.data());
    });
  });
  return true;
}

bool attention_gradient(Cache& cache, const AttentionInputs& in, const View& y, const View& log_sum,
                        const View& g, const AttentionGradients& out) {
  const View &q = in.q, &k = in.k, &v = in.v, &key_bias = in.key_bias, &offsets = in.offsets;
  const View &dq = out.dq, &dk = out.dk, &dv = out.dv, &dkey_bias = out.dkey_bias;
  if (offsets.buffer == nullptr || in.causal || in.dropout > 0) return false;
  const std::int64_t tokens = q.shape()[0];
  const std::int64_t heads = q.shape()[1];
  const std::int64_t width = 3 * q.shape()[2] + 2 * v.shape()[2];
  if (!all_dense({&q, &k, &v, &y, &g, &dq, &dk, &dv})) return tokens == 0;
  // A task is a whole segment.
  const AttentionTasks tasks("attention_gradient", offsets, tokens, heads, tokens, width);
  dispatch_floating(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Backward<T> backward(q, k, v, key_bias, in.scale, y, log_sum, g, dq, dk, dv, dkey_bias);
    tasks.run([&](const AttentionTask* first, const AttentionTask* last) {
      Scratch<T> work(cache, 2 * kQueries * kKeys);
      for (; first < last; ++first) backward(*first, work.data());
    });
  });
  return true;
}

}  // namespace gradus::cpu
