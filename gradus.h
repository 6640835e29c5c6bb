// Everything: tensors, operations, differentiation.
//
//   #include <gradus/gradus.h>
#pragma once

#include "autograd/attention.h"
#include "autograd/autograd.h"
#include "autograd/gradient.h"
#include "autograd/ops.h"
#include "autograd/segments.h"
#include "nn/activations.h"
#include "nn/attention.h"
#include "nn/containers.h"
#include "nn/convolution.h"
#include "nn/embedding.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "nn/losses.h"
#include "nn/module.h"
#include "nn/normalization.h"
#include "nn/transformer.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tensor/tensor.h"
