// Does a backend do what tensor/backend.h says? Link this (the CMake target gradus::conformance) to
// your backend's tests and let it look:
//
//   register_backend("mine", [] { return std::make_unique<MyBackend>(); });
//   for (const std::string& failure : conformance_failures(backend("mine"))) std::cout << failure;
//
// Every required method is compared with the reference backend on every dtype that it takes, on
// contiguous, strided, broadcast and empty views that begin anywhere in their memory; gaps hold NaN
// and must be neither read nor written. Every offer that the backend takes is compared with its
// definition, in plain loops or in operations on the reference backend. Takes a few seconds.
#pragma once

#include <string>
#include <vector>

#include "tensor/backend.h"

namespace gradus {

// One line for each difference found (at most a few for each method) and for each part of the checks
// that an exception of the backend ended; none if there is none.
std::vector<std::string> conformance_failures(Backend& backend);

}  // namespace gradus
