// For the .cpp files of attention: scores as products, for kernels that know no others.
//
//   ||q - k||^2 = ||q||^2 - 2 q.k + ||k||^2
//
// so that scores -||q - k||^2 / 2 / sqrt(d) are products q.k / sqrt(d) and a bias of each key, -||k||^2 / 2 /
// sqrt(d): the query's own -||q||^2 / 2 is the same for all its keys, and softmax cancels it.
#pragma once

#include "autograd/attention.h"

namespace gradus {

// 1 / sqrt(d), for q [..., d].
double scale_of(const Tensor& q);

// Throws unless q [..., d] and k [..., d] can be compared with the score of `options`.
void check_points(const char* op, const Tensor& q, const Tensor& k,
                  const AttentionOptions& options);

struct Scored {
  Tensor q, k, bias;  // the bias [..., n] undefined for the dot product
};
// For the dot product and the Euclidean score. Euclidean queries and keys are moved together, near to the
// origin, for products of large numbers cost digits. Which keys are seen decides where to: `mask`, perhaps
// undefined, or segments, and options.causal.
Scored scored(const AttentionOptions& options, const Tensor& q, const Tensor& k,
              const Tensor& mask);
Scored scored(const AttentionOptions& options, const Tensor& q, const Tensor& k,
              const Segments& segments);
// Of q, k and the keys' bias: [..., m, n].
Tensor scores_of_products(const Tensor& q, const Tensor& k, const Tensor& bias);

}  // namespace gradus
