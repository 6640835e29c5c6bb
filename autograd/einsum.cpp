// Einstein summation: "bij,bjk->bik". Operands are joined from left to right, two at a time, by
// matrix products. Axes that both operands have become the batch if they are still needed, and are
// summed if not; axes that only one has are its rows or columns.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

namespace {

using Labels = std::string;  // a character for each axis
using Sizes = std::map<char, std::int64_t>;

struct Term {
  Tensor x;
  Labels labels;
};

bool has(const Labels& labels, char c) { return labels.find(c) != Labels::npos; }

// "..." as the labels of `count` axes, '0' for the last of them, '1' for the one before.
Labels undotted(const Labels& labels, std::size_t count) {
  const std::size_t at = labels.find("...");
  if (at == Labels::npos) return labels;
  Labels digits;
  for (std::size_t i = count; i > 0; --i) digits += static_cast<char>('0' + i - 1);
  return labels.substr(0, at) + digits + labels.substr(at + 3);
}

// ---- What the equation says ----

class Equation {
 public:
  Equation(const std::string& equation, const std::vector<Tensor>& operands)
      : equation_(equation), operands_(operands) {
    std::string text = equation;
    std::erase(text, ' ');
    const std::size_t arrow = text.find("->");
    std::vector<Labels> written{""};
    for (char c : text.substr(0, arrow)) {
      if (c == ',') {
        written.emplace_back();
      } else {
        written.back() += c;
      }
    }
    if (written.size() != operands.size()) {
      refuse(fmt::format("{} terms for {} operands", written.size(), operands.size()));
    }
    std::size_t dots = 0;  // the most axes that a "..." stands for
    for (std::size_t i = 0; i < written.size(); ++i) {
      const auto rank = static_cast<std::size_t>(operands[i].rank());
      const std::size_t letters = letters_of(written[i]);
      if (letters > rank || (letters < rank && !has(written[i], '.'))) {
        refuse(fmt::format("term {} names {} axes of {}", i + 1, letters, rank));
      }
      terms.push_back({operands[i], undotted(written[i], rank - letters)});
      dots = std::max(dots, rank - letters);
    }
    if (arrow == std::string::npos) {
      result = undotted("...", dots) + named_once(written);
    } else {
      letters_of(text.substr(arrow + 2));
      result = undotted(text.substr(arrow + 2), dots);
    }
    for (char c : result) {
      if (std::count(result.begin(), result.end(), c) > 1) {
        refuse(fmt::format("the result names '{}' twice", c));
      }
      if (std::none_of(terms.begin(), terms.end(), [c](auto& t) { return has(t.labels, c); })) {
        refuse(fmt::format("the result names '{}', which no operand has", c));
      }
    }
  }

  // The size of each label's axes; those of size 1 broadcast.
  Sizes sizes() const {
    Sizes found;
    for (const Term& t : terms) {
      for (int axis = 0; axis < t.x.rank(); ++axis) {
        std::int64_t& size =
            found.try_emplace(t.labels[static_cast<std::size_t>(axis)], 1).first->second;
        if (size != 1 && t.x.size(axis) != 1 && size != t.x.size(axis)) {
          refuse(fmt::format("'{}' names axes of sizes {} and {}",
                             t.labels[static_cast<std::size_t>(axis)], size, t.x.size(axis)));
        }
        if (t.x.size(axis) != 1) size = t.x.size(axis);
      }
    }
    return found;
  }

  std::vector<Term> terms;
  Labels result;

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    std::string shapes;
    for (const Tensor& x : operands_) shapes += (shapes.empty() ? "" : ", ") + to_string(x.shape());
    throw ShapeError(fmt::format("[einsum] \"{}\" of {}: {}", equation_, shapes, why));
  }

  std::size_t letters_of(const Labels& written) const {
    const Labels letters = undotted(written, 0);
    for (char c : letters) {
      if (!std::isalpha(static_cast<unsigned char>(c))) {
        refuse(fmt::format("'{}' is not a letter, ... or ->", c));
      }
    }
    return letters.size();
  }

  static Labels named_once(const std::vector<Labels>& written) {
    std::map<char, int> uses;  // in the order of the alphabet
    Labels once;
    for (const Labels& labels : written) {
      for (char c : labels) uses[c]++;
    }
    for (const auto& [c, count] : uses) {
      if (c != '.' && count == 1) once += c;
    }
    return once;
  }

  const std::string& equation_;
  const std::vector<Tensor>& operands_;
};

// ---- How it is computed ----

// Two axes of one label become one, their diagonal.
Term diagonals(const Term& t) {
  for (std::size_t i = 0; i < t.labels.size(); ++i) {
    const std::size_t j = t.labels.find(t.labels[i], i + 1);
    if (j == Labels::npos) continue;
    std::vector<int> axes;
    Labels labels;
    for (std::size_t k = 0; k < t.labels.size(); ++k) {
      if (k == i || k == j) continue;
      axes.push_back(static_cast<int>(k));
      labels += t.labels[k];
    }
    axes.insert(axes.end(), {static_cast<int>(i), static_cast<int>(j)});
    const Tensor x = permute(t.x, axes);
    const Tensor diagonal = eye(x.size(-1), x.options()) > 0;
    return diagonals({sum(where(diagonal, x, 0), -1), labels + t.labels[i]});
  }
  return t;
}

Shape shape_of(const Labels& labels, const Sizes& sizes) {
  std::vector<std::int64_t> shape;
  for (char c : labels) shape.push_back(sizes.at(c));
  return Shape(shape);
}

// The axes in another order, each of its full size.
Tensor arranged(const Term& t, const Labels& labels, const Sizes& sizes) {
  std::vector<int> axes;
  for (char c : labels) axes.push_back(static_cast<int>(t.labels.find(c)));
  return expand(permute(t.x, axes), shape_of(labels, sizes));
}

// Sums the axes that nothing needs any more.
Term reduced(const Term& t, const Labels& needed, const Sizes& sizes) {
  Axes axes;
  Labels kept;
  for (std::size_t i = 0; i < t.labels.size(); ++i) {
    if (has(needed, t.labels[i])) {
      kept += t.labels[i];
    } else {
      axes.list.push_back(static_cast<int>(i));
    }
  }
  return axes.list.empty() ? t : Term{sum(arranged(t, t.labels, sizes), axes), kept};
}

Term joined(const Term& left, const Term& right, const Labels& needed, const Sizes& sizes) {
  const Term a = reduced(left, needed + right.labels, sizes);
  const Term b = reduced(right, needed + left.labels, sizes);
  Labels batch, rows, summed, columns;
  for (char c : a.labels) (!has(b.labels, c) ? rows : has(needed, c) ? batch : summed) += c;
  for (char c : b.labels) columns += has(a.labels, c) ? "" : Labels(1, c);
  const auto matrices = [&](const Term& t, const Labels& m, const Labels& n) {
    return reshape(arranged(t, batch + m + n, sizes),
                   Shape{shape_of(batch, sizes).numel(), shape_of(m, sizes).numel(),
                         shape_of(n, sizes).numel()});
  };
  const Tensor x = matrices(a, rows, summed), y = matrices(b, summed, columns);
  const Labels labels = batch + rows + columns;
  return {reshape(summed.empty() ? x * y : matmul(x, y), shape_of(labels, sizes)), labels};
}

}  // namespace

Tensor einsum(const std::string& text, const std::vector<Tensor>& operands) {
  Equation equation(text, operands);
  const Sizes sizes = equation.sizes();
  for (Term& t : equation.terms) t = diagonals(t);
  Term all = equation.terms[0];
  for (std::size_t i = 1; i < equation.terms.size(); ++i) {
    Labels needed = equation.result;
    for (std::size_t j = i + 1; j < equation.terms.size(); ++j) needed += equation.terms[j].labels;
    all = joined(all, equation.terms[i], needed, sizes);
  }
  return arranged(reduced(all, equation.result, sizes), equation.result, sizes);
}

}  // namespace gradus
