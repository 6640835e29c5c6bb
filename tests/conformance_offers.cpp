// Each offer is called as autograd/ calls it and compared with plain loops in f64. An offer that
// returns false is not looked at further.

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "tests/conformance_tools.h"

namespace gradus::conformance {

namespace {

using Numbers = std::vector<double>;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Sums of exponentials and products: some 100 roundings.
double slack(DType dtype) { return dtype == DType::f32 ? 1e-5 : 2e-14; }

struct RowResult {
  Numbers y, dx;
};

// One row of softmax or its log with gradient g; `scale` as in the seam's comments.
RowResult softmax_row(const Numbers& x, const Numbers& g, bool logarithm) {
  double largest = -kInfinity, total = 0;
  for (const double v : x) largest = std::max(largest, v);
  const double shift = largest == -kInfinity ? 0 : largest;
  for (const double v : x) total += std::exp(v - shift);
  RowResult r;
  double dot = 0;  // sum(g y), or sum(g) for the log
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double p = total == 0 ? 0 : std::exp(x[i] - shift) / total;
    r.y.push_back(!logarithm ? p : total == 0 ? -kInfinity : x[i] - shift - std::log(total));
    dot += logarithm ? g[i] : g[i] * p;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double p = total == 0 ? 0 : std::exp(x[i] - shift) / total;
    r.dx.push_back(logarithm ? g[i] - p * dot : p * (g[i] - dot));
  }
  return r;
}

void check_softmax(Findings& f, const Shape& shape, DType dtype, bool logarithm) {
  const std::int64_t columns = shape[-1], rows = columns == 0 ? 0 : shape.numel() / columns;
  // Logits to 30, a third of them masked, every fifth row entirely.
  const Array x = make_array(Layout(shape), dtype, [&](std::uint64_t i) {
    const bool masked = static_cast<std::int64_t>(i) / columns % 5 == 4 || i % 3 == 2;
    return masked ? -kInfinity : 10 * some_number(dtype, i);
  });
  const Array g = some_array(shape, dtype, 1);
  const Numbers xs = x.values(), gs = g.values();
  Numbers y, dx;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto cut = [&](const Numbers& all) {
      return Numbers(all.begin() + row * columns, all.begin() + (row + 1) * columns);
    };
    const RowResult r = softmax_row(cut(xs), cut(gs), logarithm);
    y.insert(y.end(), r.y.begin(), r.y.end());
    dx.insert(dx.end(), r.dx.begin(), r.dx.end());
  }
  const std::string what = fmt::format("{} {} {}", logarithm ? "log_softmax" : "softmax",
                                       name_of(dtype), to_string(shape));
  const Held hx = put(x, f.mine);
  bool taken = false;
  const Numbers found = f.run(what, f.mine, Layout(shape), dtype, [&](const View& out) {
    taken = logarithm ? f.mine.log_softmax(hx.view, out) : f.mine.softmax(hx.view, out);
  });
  if (taken) f.compare(what, found, y, slack(dtype));
  const Held hy =
      put(make_array(Layout(shape), dtype, [&](std::uint64_t i) { return y[i]; }), f.mine);
  const Held hg = put(g, f.mine);
  const Numbers gradient =
      f.run(what + " gradient", f.mine, Layout(shape), dtype, [&](const View& out) {
        taken = logarithm ? f.mine.log_softmax_gradient(hy.view, hg.view, out)
                          : f.mine.softmax_gradient(hy.view, hg.view, out);
      });
  // A gradient is a difference with a sum over the row.
  if (taken) f.compare(what + " gradient", gradient, dx, slack(dtype), 1 + std::sqrt(columns));
}

// Room for an output among several: the findings watch over one, these are the others.
Held room(const Shape& shape, DType dtype, Backend& on) {
  return put(make_array(Layout(shape), dtype, [](std::uint64_t) { return 1.0; }), on);
}

Numbers read(const Held& held, Backend& on) {
  Numbers all = whole_memory(held, at(held.view.shape().numel()), on);
  return all;
}

void check_layer_norm(Findings& f, std::int64_t rows, std::int64_t dim, DType dtype) {
  const Shape table{rows, dim}, column{rows}, row{dim};
  const double epsilon = 1e-5;
  const Array x = some_array(table, dtype, 1), w = some_array(row, dtype, 2);
  const Array b = some_array(row, dtype, 3), g = some_array(table, dtype, 4);
  const Numbers xs = x.values(), ws = w.values(), bs = b.values(), gs = g.values();
  Numbers y, means, rstds, dx, dw(at(dim)), db(at(dim));
  for (std::int64_t i = 0; i < rows; ++i) {
    const double* xi = xs.data() + i * dim;
    const double* gi = gs.data() + i * dim;
    const auto n = static_cast<double>(dim);
    double mean = 0, variance = 0, h = 0, hn = 0;
    for (std::int64_t j = 0; j < dim; ++j) mean += xi[j] / n;
    for (std::int64_t j = 0; j < dim; ++j) variance += (xi[j] - mean) * (xi[j] - mean) / n;
    const double rstd = 1 / std::sqrt(variance + epsilon);
    means.push_back(mean);
    rstds.push_back(rstd);
    for (std::int64_t j = 0; j < dim; ++j) {
      const double normal = (xi[j] - mean) * rstd;
      y.push_back(normal * ws[at(j)] + bs[at(j)]);
      h += gi[j] * ws[at(j)] / n;
      hn += gi[j] * ws[at(j)] * normal / n;
      dw[at(j)] += gi[j] * normal;
      db[at(j)] += gi[j];
    }
    for (std::int64_t j = 0; j < dim; ++j) {
      dx.push_back(rstd * (gi[j] * ws[at(j)] - h - (xi[j] - mean) * rstd * hn));
    }
  }
  Backend& on = f.mine;
  const std::string what = fmt::format("layer_norm {} {}", name_of(dtype), to_string(table));
  const Held hx = put(x, on), hw = put(w, on), hb = put(b, on), hg = put(g, on);
  const Held mean = room(column, dtype, on), rstd = room(column, dtype, on);
  bool taken = false;
  const Numbers found = f.run(what, on, Layout(table), dtype, [&](const View& out) {
    taken = on.layer_norm(hx.view, hw.view, hb.view, epsilon, out, mean.view, rstd.view);
  });
  if (!taken) return;
  // Where a row varies little, rstd multiplies what is left of it (dim 1: by 316).
  const double tolerance = slack(dtype) * (dim < 3 ? 100 : 1);
  f.compare(what, found, y, tolerance);
  f.compare(what + " mean", read(mean, on), means, tolerance);
  f.compare(what + " rstd", read(rstd, on), rstds, tolerance);
  const Held gw = room(row, dtype, on), gb = room(row, dtype, on);
  const Numbers gradient =
      f.run(what + " gradient", on, Layout(table), dtype, [&](const View& out) {
        taken = on.layer_norm_gradient(hx.view, hw.view, mean.view, rstd.view, hg.view, out,
                                       gw.view, gb.view);
      });
  if (!taken) return f.report(what, "took the forward offer but not its gradient");
  const double scale = 1 + std::sqrt(static_cast<double>(rows));
  f.compare(what + " dx", gradient, dx, tolerance, scale);
  f.compare(what + " dweight", read(gw, on), dw, tolerance, scale);
  f.compare(what + " dbias", read(gb, on), db, tolerance, scale);
}

struct AttentionCase {
  std::vector<std::int32_t> offsets;
  std::int64_t heads, dim;
  bool biased;
  bool strided;  // q, k, v are columns of one [tokens, 3, heads, dim], as from one product
};

void check_attention(Findings& f, const AttentionCase& c, DType dtype) {
  const std::int64_t tokens = c.offsets.back(), heads = c.heads, dim = c.dim;
  const Shape shape{tokens, heads, dim}, flat{tokens, heads};
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  const auto input = [&](std::uint64_t salt) {
    Layout layout(shape);
    if (c.strided) {
      layout.strides[0] *= 3;
      layout.offset = static_cast<std::int64_t>(salt) * heads * dim;
    }
    return some_array(layout, dtype, salt);
  };
  const Array q = input(0), k = input(1), v = input(2), g = some_array(shape, dtype, 3);
  const Array bias = some_array(flat, dtype, 4);
  const Numbers qs = q.values(), ks = k.values(), vs = v.values(), gs = g.values();
  const Numbers bs = c.biased ? bias.values() : Numbers(at(flat.numel()), 0);
  const auto place_of = [&](std::int64_t token, std::int64_t head) {
    return (token * heads + head) * dim;
  };
  const auto dot = [&](const Numbers& a, std::int64_t i, const Numbers& b, std::int64_t j) {
    double total = 0;
    for (std::int64_t d = 0; d < dim; ++d) total += a[at(i + d)] * b[at(j + d)];
    return total;
  };
  const auto add = [&](Numbers& to, std::int64_t i, double times, const Numbers& from,
                       std::int64_t j) {
    for (std::int64_t d = 0; d < dim; ++d) to[at(i + d)] += times * from[at(j + d)];
  };
  const std::size_t n = at(shape.numel());
  Numbers y(n), dq(n), dk(n), dv(n), db(at(flat.numel())), log_sum(at(flat.numel()));
  for (std::size_t s = 0; s + 1 < c.offsets.size(); ++s) {
    for (std::int64_t h = 0; h < heads; ++h) {
      for (std::int64_t i = c.offsets[s]; i < c.offsets[s + 1]; ++i) {
        const std::int64_t begin = c.offsets[s], end = c.offsets[s + 1], qi = place_of(i, h);
        Numbers score, dp;
        for (std::int64_t j = begin; j < end; ++j) {
          score.push_back(scale * dot(qs, qi, ks, place_of(j, h)) + bs[at(j * heads + h)]);
          dp.push_back(dot(gs, qi, vs, place_of(j, h)));
        }
        const RowResult row = softmax_row(score, dp, false);
        log_sum[at(i * heads + h)] = score[0] - std::log(row.y[0]);
        for (std::int64_t j = begin; j < end; ++j) {
          const double p = row.y[at(j - begin)], ds = row.dx[at(j - begin)];
          add(y, qi, p, vs, place_of(j, h));
          add(dv, place_of(j, h), p, gs, qi);
          add(dq, qi, scale * ds, ks, place_of(j, h));
          add(dk, place_of(j, h), scale * ds, qs, qi);
          db[at(j * heads + h)] += ds;
        }
      }
    }
  }
  Backend& on = f.mine;
  const std::string what =
      fmt::format("attention {} {} in {} segments{}{}", name_of(dtype), to_string(shape),
                  c.offsets.size() - 1, c.biased ? " biased" : "", c.strided ? " strided" : "");
  const Held hq = put(q, on), hk = put(k, on), hv = put(v, on), hg = put(g, on);
  const Held hb = c.biased ? put(bias, on) : Held{};
  const Held offsets = put(make_array(Layout(Shape{static_cast<std::int64_t>(c.offsets.size())}),
                                      DType::i32, [&](std::uint64_t i) { return c.offsets[i]; }),
                           on);
  const AttentionInputs in{hq.view, hk.view, hv.view, hb.view, offsets.view, {}, scale};
  const Held sums = room(flat, dtype, on);
  bool taken = false;
  const Numbers found = f.run(what, on, Layout(shape), dtype,
                              [&](const View& out) { taken = on.attention(in, out, sums.view); });
  if (!taken) return;
  f.compare(what, found, y, slack(dtype), 3);
  f.compare(what + " log_sum", read(sums, on), log_sum, slack(dtype), 3);
  const Held hy =
      put(make_array(Layout(shape), dtype, [&](std::uint64_t i) { return found[i]; }), on);
  const Held gk = room(shape, dtype, on), gv = room(shape, dtype, on);
  const Held gb = c.biased ? room(flat, dtype, on) : Held{};
  const Numbers gradient =
      f.run(what + " gradient", on, Layout(shape), dtype, [&](const View& out) {
        taken = on.attention_gradient(in, hy.view, sums.view, hg.view,
                                      {out, gk.view, gv.view, gb.view});
      });
  if (!taken) return f.report(what, "took the forward offer but not its gradient");
  // Sums over a segment of products of three numbers to 3.
  const double size = 30 * std::sqrt(1 + static_cast<double>(tokens));
  f.compare(what + " dq", gradient, dq, slack(dtype), size);
  f.compare(what + " dk", read(gk, on), dk, slack(dtype), size);
  f.compare(what + " dv", read(gv, on), dv, slack(dtype), size);
  if (c.biased) f.compare(what + " dkey_bias", read(gb, on), db, slack(dtype), size);
}

// A step on a table [n, width]: of all of it, or of `rows`.
void check_adam(Findings& f, std::int64_t n, std::int64_t width, const Numbers& rows, DType dtype) {
  const AdamStep s{.lr = 0.1,
                   .beta1 = 0.75,
                   .beta2 = 0.5,
                   .epsilon = 0.01,
                   .l2 = 0.2,
                   .shrink = 0.9,
                   .m_correction = 0.4375,
                   .v_correction = 0.75};
  const Shape shape{n, width};
  const auto count = static_cast<std::int64_t>(rows.size());
  const Array g = some_array(rows.empty() ? shape : shape.with(0, count), dtype, 1);
  const Array start = some_array(shape, dtype, 2), mean = some_array(shape, dtype, 3);
  const Array square =
      make_array(Layout(shape), dtype, [&](std::uint64_t i) { return 3 + some_number(dtype, i); });
  const Numbers gs = g.values();
  Numbers p = start.values(), m = mean.values(), v = square.values();
  for (std::int64_t i = 0; i < std::ssize(gs); ++i) {
    const std::int64_t row = i / std::max<std::int64_t>(width, 1);
    const std::size_t k =
        rows.empty() ? at(i) : at(static_cast<std::int64_t>(rows[at(row)]) * width + i % width);
    const double slope = gs[at(i)] + s.l2 * p[k];
    m[k] = s.beta1 * m[k] + (1 - s.beta1) * slope;
    v[k] = s.beta2 * v[k] + (1 - s.beta2) * slope * slope;
    p[k] = s.shrink * p[k] -
           s.lr * (m[k] / s.m_correction) / (std::sqrt(v[k] / s.v_correction) + s.epsilon);
  }
  Backend& on = f.mine;
  const std::string what =
      fmt::format("adam {} {} in {} rows", name_of(dtype), to_string(shape), count);
  const Held hg = put(g, on), hp = put(start, on), hm = put(mean, on), hv = put(square, on);
  const Held which = rows.empty() ? Held{}
                                  : put(make_array(Layout(Shape{count}), DType::i32,
                                                   [&](std::uint64_t i) { return rows[i]; }),
                                        on);
  bool taken = false;
  try {
    taken = on.adam(s, which.view, hg.view, hp.view, hm.view, hv.view);
    on.synchronize();
  } catch (const std::exception& error) {
    return f.report(what, std::string("threw: ") + error.what());
  }
  if (!taken) return;
  f.compare(what + " p", read(hp, on), p, slack(dtype));
  f.compare(what + " m", read(hm, on), m, slack(dtype));
  f.compare(what + " v", read(hv, on), v, slack(dtype));
}

}  // namespace

void check_offers(Findings& f) {
  check_random(f);
  check_map(f);
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const Shape& shape : {Shape{1}, Shape{7, 3}, Shape{5, 1}, Shape{2, 5, 33}, Shape{70, 129},
                               Shape{3, 5000}, Shape{0, 4}, Shape{4, 0}}) {
      check_softmax(f, shape, dtype, false);
      check_softmax(f, shape, dtype, true);
    }
    for (const auto& [rows, dim] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {1, 1}, {3, 5}, {7, 64}, {300, 33}, {2, 1000}, {0, 4}}) {
      check_layer_norm(f, rows, dim, dtype);
    }
    for (const auto& [n, width] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {1, 1}, {3, 5}, {300, 133}, {0, 4}, {4, 0}}) {
      check_adam(f, n, width, {}, dtype);
    }
    check_adam(f, 3, 5, {2, 0}, dtype);
    check_adam(f, 70, 1000, {69, 3, 8}, dtype);
    for (const AttentionCase& c : {AttentionCase{{0, 5}, 1, 4, true, false},
                                   {{0, 3, 3, 10, 11}, 2, 7, true, false},
                                   {{0, 3, 3, 10, 11}, 2, 8, true, true},
                                   {{0, 0, 70, 199}, 3, 16, true, true},
                                   {{0, 0, 70, 199}, 1, 33, false, false},
                                   {{0, 2, 6}, 2, 3, false, true},
                                   {{0, 0}, 2, 4, true, false},
                                   {{0}, 2, 4, false, false}}) {
      check_attention(f, c, dtype);
    }
  }
}

}  // namespace gradus::conformance
