#include "backends/cpu/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "backends/cpu/kernels.h"
#include "backends/host.h"

namespace gradus::cpu {

namespace {

// Of what is dropped in the tile of queries from `query` and keys from `key`.
AttentionDropout dropout_of(const AttentionInputs& in, const AttentionPlan& plan,
                            const AttentionTask& task, std::int64_t query, std::int64_t key) {
  const std::int64_t row = plan.dropout_row(task, query);
  const std::int64_t distance = plan.dropout_row(task, query + 1) - row;
  const auto first = row * plan.dropout_width + key - task.item.key_begin;
  return {in.dropout, in.seed, in.stream, static_cast<std::uint64_t>(first),
          static_cast<std::uint64_t>(distance * plan.dropout_width)};
}

// The queries of one task against all keys of its item, a tile of keys at a time.
template <class T>
class Forward {
 public:
  Forward(const AttentionInputs& in, const AttentionPlan& plan, const View& y, const View& log_sum)
      : in_(in),
        plan_(plan),
        q_(heads_of<const T>(in.q, plan.packed)),
        k_(heads_of<const T>(in.k, plan.packed)),
        v_(heads_of<const T>(in.v, plan.packed)),
        y_(heads_of<T>(y, plan.packed)),
        log_sum_(heads_of<T>(log_sum, plan.packed)) {}

  // `scores` is work space for kScores elements.
  void operator()(const AttentionTask& task, T* scores) const {
    const std::int64_t item = task.item.item, head = task.head;
    const std::int64_t rows = task.query_end - task.query;
    if (rows == 0) return;
    std::array<T, kQueries> maximum, sum, rescale;
    maximum.fill(-std::numeric_limits<T>::infinity());
    sum.fill(0);
    T* y = y_.at(item, task.query, head);
    const std::int64_t begin = task.item.key_begin, end = plan_.last_key(task, task.query_end);
    for (std::int64_t key = begin; key < end; key += kKeys) {
      const std::int64_t keys = std::min(kKeys, end - key);
      const std::int64_t step = score_step(keys);
      std::array<T, kKeys> bias = plan_.template biases<T>(task, key, keys);
      gemm(rows, keys, plan_.dim, static_cast<T>(in_.scale), q_.rows(item, task.query, head),
           k_.rows(item, key, head).transposed(), false, scores, step);
      plan_.mask(task, task.query, rows, key, keys, bias, scores);
      tiles_.softmax(scores, bias.data(), rows, keys, dropout_of(in_, plan_, task, task.query, key),
                     maximum.data(), sum.data(), rescale.data());
      const bool first = key == begin;
      for (std::int64_t r = 0; !first && r < rows; ++r) {
        tiles_.scale(y + r * y_.token_step, rescale[static_cast<std::size_t>(r)], plan_.value_dim);
      }
      gemm(rows, plan_.value_dim, keys, T{1}, {scores, step, 1}, v_.rows(item, key, head), !first,
           y, y_.token_step);
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto i = static_cast<std::size_t>(r);
      if (sum[i] == 0) {
        std::fill_n(y + r * y_.token_step, plan_.value_dim, T{0});
      } else {
        tiles_.scale(y + r * y_.token_step, 1 / sum[i], plan_.value_dim);
      }
      // -inf for a query that sees nothing
      *log_sum_.at(item, task.query + r, head) = maximum[i] + std::log(sum[i]);
    }
  }

 private:
  const AttentionInputs& in_;
  const AttentionPlan& plan_;
  Heads<const T> q_, k_, v_;
  Heads<T> y_, log_sum_;
  AttentionTiles<T> tiles_ = attention_tiles<T>();
};

// Of one item and head, all gradients: keys outside, queries inside, so that dk and dv of a tile are
// finished at once; dq gathers over the tiles of keys, in order.
template <class T>
class Backward {
 public:
  Backward(const AttentionInputs& in, const AttentionPlan& plan, const View& y, const View& log_sum,
           const View& g, const AttentionGradients& out)
      : in_(in),
        plan_(plan),
        q_(heads_of<const T>(in.q, plan.packed)),
        k_(heads_of<const T>(in.k, plan.packed)),
        v_(heads_of<const T>(in.v, plan.packed)),
        y_(heads_of<const T>(y, plan.packed)),
        log_sum_(heads_of<const T>(log_sum, plan.packed)),
        g_(heads_of<const T>(g, plan.packed)),
        dq_(heads_of<T>(out.dq, plan.packed)),
        dk_(heads_of<T>(out.dk, plan.packed)),
        dv_(heads_of<T>(out.dv, plan.packed)),
        dbias_(heads_of<T>(out.dkey_bias, plan.packed)) {}

  // `work` is space for 2 * kScores elements.
  void operator()(const AttentionTask& task, T* work) const {
    const AttentionItem& item = task.item;
    for (std::int64_t key = item.key_begin; key < item.key_end; key += kKeys) {
      const std::int64_t keys = std::min(kKeys, item.key_end - key);
      std::array<T, kKeys> dbias{};
      bool first = true;
      for (std::int64_t query = task.query; query < task.query_end; query += kQueries) {
        const std::int64_t rows = std::min(kQueries, task.query_end - query);
        if (plan_.last_key(task, query + rows) <= key) continue;
        tile(task, query, rows, key, keys, work, dbias.data(), first);
        first = false;
      }
      if (first) clear_keys(task, key, key + keys);
      for (std::int64_t i = 0; dbias_.data != nullptr && i < keys; ++i) {
        *dbias_.at(item.item, key + i, task.head) = dbias[static_cast<std::size_t>(i)];
      }
    }
    clear_keys(task, item.key_end, item.all_keys_end);
    for (std::int64_t query = task.query; query < task.query_end; ++query) {
      if (item.key_end > item.key_begin) break;  // dq is written above
      std::fill_n(dq_.at(item.item, query, task.head), plan_.dim, T{0});
    }
  }

 private:
  // p = e^(s - log_sum), the weights again, and ds = p (g v^T - g.y), where g.y is the whole row's sum of
  // p (g v^T) without the other tiles; dv += p^T g, dk += scale ds^T q, dq += scale ds k.
  void tile(const AttentionTask& task, std::int64_t query, std::int64_t rows, std::int64_t key,
            std::int64_t keys, T* p, T* dbias, bool first_query) const {
    const std::int64_t item = task.item.item, head = task.head;
    const std::int64_t dim = plan_.dim, value_dim = plan_.value_dim, step = score_step(keys);
    const T scale = static_cast<T>(in_.scale);
    T* ds = p + kScores;
    std::array<T, kQueries> log_sum, dot;
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto i = static_cast<std::size_t>(r);
      log_sum[i] = *log_sum_.at(item, query + r, head);
      dot[i] = static_cast<T>(
          tiles_.dot(g_.at(item, query + r, head), y_.at(item, query + r, head), value_dim));
    }
    const Matrix<T> q = q_.rows(item, query, head), k = k_.rows(item, key, head);
    const Matrix<T> g = g_.rows(item, query, head), v = v_.rows(item, key, head);
    gemm(rows, keys, dim, scale, q, k.transposed(), false, p, step);
    gemm(rows, keys, value_dim, T{1}, g, v.transposed(), false, ds, step);
    std::array<T, kKeys> bias = plan_.template biases<T>(task, key, keys);
    plan_.mask(task, query, rows, key, keys, bias, p);
    tiles_.gradient(p, ds, bias.data(), rows, keys, dropout_of(in_, plan_, task, query, key),
                    log_sum.data(), dot.data(), dbias);
    const Matrix<T> p_rows{p, step, 1}, ds_rows{ds, step, 1};
    gemm(keys, value_dim, rows, T{1}, p_rows.transposed(), g, !first_query, dv_.at(item, key, head),
         dv_.token_step);
    gemm(keys, dim, rows, scale, ds_rows.transposed(), q, !first_query, dk_.at(item, key, head),
         dk_.token_step);
    gemm(rows, dim, keys, scale, ds_rows, k, key != task.item.key_begin, dq_.at(item, query, head),
         dq_.token_step);
  }

  // The gradients of keys that no query looks at.
  void clear_keys(const AttentionTask& task, std::int64_t key, std::int64_t end) const {
    for (; key < end; ++key) {
      std::fill_n(dk_.at(task.item.item, key, task.head), plan_.dim, T{0});
      std::fill_n(dv_.at(task.item.item, key, task.head), plan_.value_dim, T{0});
      if (dbias_.data != nullptr) *dbias_.at(task.item.item, key, task.head) = 0;
    }
  }

  const AttentionInputs& in_;
  const AttentionPlan& plan_;
  Heads<const T> q_, k_, v_, y_, log_sum_, g_;
  Heads<T> dq_, dk_, dv_, dbias_;
  AttentionTiles<T> tiles_ = attention_tiles<T>();
};

// Whether the last axis is dense.
bool has_dense_rows(const View& view) {
  return view.layout.stride(-1) == 1 || view.shape()[-1] <= 1;
}
bool all_dense(std::initializer_list<const View*> views) {
  return std::all_of(views.begin(), views.end(), [](const View* v) { return has_dense_rows(*v); });
}

}  // namespace

bool attention(Cache& cache, const AttentionInputs& in, const View& y, const View& log_sum) {
  if (!all_dense({&in.q, &in.k, &in.v, &y})) return false;
  const AttentionPlan plan("attention", in);
  dispatch_floating(in.q.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Forward<T> forward(in, plan, y, log_sum);
    plan.run(kQueries, plan.dim + plan.value_dim,
             [&](const AttentionTask* first, const AttentionTask* last) {
               Scratch<T> scores(cache, kScores);
               for (; first < last; ++first) forward(*first, scores.data());
             });
  });
  return true;
}

bool attention_gradient(Cache& cache, const AttentionInputs& in, const View& y, const View& log_sum,
                        const View& g, const AttentionGradients& out) {
  if (!all_dense({&in.q, &in.k, &in.v, &y, &g, &out.dq, &out.dk, &out.dv})) return false;
  const AttentionPlan plan("attention_gradient", in);
  dispatch_floating(in.q.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Backward<T> backward(in, plan, y, log_sum, g, out);
    plan.run(0, 3 * plan.dim + 2 * plan.value_dim,
             [&](const AttentionTask* first, const AttentionTask* last) {
               Scratch<T> work(cache, 2 * kScores);
               for (; first < last; ++first) backward(*first, work.data());
             });
  });
  return true;
}

}  // namespace gradus::cpu
