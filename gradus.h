// Everything: tensors, operations, differentiation.
//
//   #include <gradus/gradus.h>
#pragma once

#include "autograd/attention.h"
#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "autograd/segments.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tensor/tensor.h"
