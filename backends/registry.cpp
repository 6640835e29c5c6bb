#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>

#include "backends/cpu/cpu.h"
#include "backends/reference/reference.h"
#include "tensor/backend.h"
#include "tensor/error.h"

namespace gradus {

namespace {

struct Entry {
  BackendFactory factory;
  std::unique_ptr<Backend> backend;  // made at first use
};

struct Registry {
  std::recursive_mutex mutex;  // a factory may ask for another backend
  std::map<std::string, Entry, std::less<>> entries;
  std::atomic<Backend*> chosen = nullptr;

  Registry() {
    entries["cpu"].factory = make_cpu_backend;
    entries["reference"].factory = make_reference_backend;
  }
};

Registry& registry() {
  static Registry* instance = new Registry;  // never destroyed: tensors may outlive main
  return *instance;
}

std::vector<std::string> names_of(const Registry& all) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : all.entries) names.push_back(name);
  return names;
}

Backend& find(Registry& all, std::string_view name) {
  const auto found = all.entries.find(name);
  if (found == all.entries.end()) {
    throw BackendError(fmt::format("[backend] there is no backend named '{}'; there are: {}", name,
                                   fmt::join(names_of(all), ", ")));
  }
  Entry& entry = found->second;
  if (!entry.backend) entry.backend = entry.factory();
  if (!entry.backend) {
    throw BackendError(fmt::format("[backend] the factory of '{}' made nothing", name));
  }
  return *entry.backend;
}

}  // namespace

void register_backend(const std::string& name, BackendFactory factory) {
  if (!factory) throw BackendError(fmt::format("[backend] '{}' comes without a factory", name));
  std::lock_guard lock(registry().mutex);
  Entry& entry = registry().entries[name];
  if (entry.factory) {
    throw BackendError(fmt::format("[backend] a backend named '{}' is registered already", name));
  }
  entry.factory = std::move(factory);
}

Backend& backend(std::string_view name) {
  std::lock_guard lock(registry().mutex);
  return find(registry(), name);
}

std::vector<std::string> backend_names() {
  std::lock_guard lock(registry().mutex);
  return names_of(registry());
}

Backend& default_backend() {
  Registry& all = registry();
  if (all.chosen == nullptr) {
    std::lock_guard lock(all.mutex);
    const char* wanted = std::getenv("GRADUS_BACKEND");
    all.chosen = &find(all, wanted != nullptr && *wanted != '\0' ? wanted : "cpu");
  }
  return *all.chosen;
}

void set_default_backend(std::string_view name) {
  std::lock_guard lock(registry().mutex);
  registry().chosen = &find(registry(), name);
}

}  // namespace gradus
