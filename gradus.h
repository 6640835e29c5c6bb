// Everything most programs need: tensors, operations, gradients, modules, optimizers.
//
//   #include <gradus/gradus.h>
//
// Not included: autograd/node.h (operations with your own pullback), autograd/bags.h, data/*.h.
#pragma once

#if __cplusplus < 202002L
#error "Gradus needs C++20: compile with -std=c++20 or newer"
#endif

#include "autograd/attention.h"
#include "autograd/autograd.h"
#include "autograd/checkpoint.h"
#include "autograd/gradcheck.h"
#include "autograd/gradient.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "autograd/profile.h"
#include "autograd/segments.h"
#include "autograd/trace.h"
#include "nn/activations.h"
#include "nn/attention.h"
#include "nn/containers.h"
#include "nn/convolution.h"
#include "nn/convolution2d.h"
#include "nn/embedding.h"
#include "nn/init.h"
#include "nn/linear.h"
#include "nn/losses.h"
#include "nn/module.h"
#include "nn/normalization.h"
#include "nn/positions.h"
#include "nn/recurrent.h"
#include "nn/safetensors.h"
#include "nn/transformer.h"
#include "nn/watch.h"
#include "optim/adagrad.h"
#include "optim/adam.h"
#include "optim/clip.h"
#include "optim/lamb.h"
#include "optim/lion.h"
#include "optim/optimizer.h"
#include "optim/rmsprop.h"
#include "optim/schedule.h"
#include "optim/sgd.h"
#include "optim/weight_average.h"
#include "tensor/cores.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/precision.h"
#include "tensor/random.h"
#include "tensor/tensor.h"
