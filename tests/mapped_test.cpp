// Weights used where they lie in the file (Backend::adopt, nn::take_state).
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "gradus.h"
#include "nn/mapped_file.h"
#include "tests/temporary_folder.h"

using namespace gradus;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const std::vector<double> kValues{1, 2, 3, 4};

// A file that holds x = kValues.
std::string save_x(const TemporaryFolder& folder) {
  const std::string path = (folder.path() / "x.safetensors").string();
  nn::save(path, {{"x", tensor({1, 2, 3, 4})}});
  return path;
}

}  // namespace

TEST_CASE("the CPU backend uses a file's own memory, and never writes into the file") {
  const TemporaryFolder folder;
  const std::string path = save_x(folder);
  const std::string before = read(path);
  Tensor x = nn::load(path, backend("cpu")).tensors[0].second;
  x.assign(x * 2);
  CHECK(x.to_vector<double>() == std::vector<double>{2, 4, 6, 8});
  CHECK(read(path) == before);
  CHECK(nn::load(path).tensors[0].second.to_vector<double>() == kValues);
}

TEST_CASE("what was loaded outlives its file") {
  const TemporaryFolder folder;
  const std::string path = save_x(folder);
  const Tensor x = nn::load(path).tensors[0].second;
  SUBCASE("replaced") { nn::save(path, {{"x", zeros({4})}}); }
  SUBCASE("removed") { std::filesystem::remove(path); }
  CHECK(x.to_vector<double>() == kValues);
}

TEST_CASE("a backend that adopts nothing, or numbers out of line, get a copy") {
  const TemporaryFolder folder;
  const std::string path = save_x(folder);
  CHECK(nn::load(path, backend("reference")).tensors[0].second.to_vector<double>() == kValues);

  std::string bytes = read(path);  // one more space at the end of the header
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  bytes.insert(8 + length, " ");
  ++length;
  std::memcpy(bytes.data(), &length, 8);
  std::ofstream(path, std::ios::binary) << bytes;
  CHECK(nn::load(path).tensors[0].second.to_vector<double>() == kValues);
}

TEST_CASE("a module takes the tensors of a file as its own") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "model.safetensors").string();
  const nn::Linear saved(3, 2);
  nn::save(path, saved);
  manual_seed(5);
  nn::Linear model = [] {
    const nn::init::Skip skip;
    return nn::Linear(3, 2);
  }();
  CHECK(random_state().next_stream == 0);  // no numbers were taken
  const nn::Checkpoint file = nn::load(path);
  nn::take_state(model, file.tensors, path);
  CHECK(model.weight.to_vector<double>() == saved.weight.to_vector<double>());
  CHECK(model.weight.view().buffer == file.tensors[0].second.view().buffer);

  // It learns, and the file does not.
  optim::SGD sgd(model.parameters(), {.lr = 1});
  sum(model(ones({1, 3}))).backward();
  sgd.step();
  CHECK(model.bias.to_vector<double>() == (saved.bias - 1).to_vector<double>());
  CHECK(nn::load(path).tensors[1].second.to_vector<double>() == saved.bias.to_vector<double>());

  nn::Linear wrong(3, 3);
  CHECK_THROWS_AS(nn::take_state(wrong, file.tensors, path), IoError);
}

TEST_CASE("tied parameters stay tied when a module takes others") {
  struct Tied : nn::Module {
    nn::Linear one{2, 2};
    void visit(nn::Visitor& v) override {
      v("one", one);
      v("other", one.weight);
    }
  } model;
  nn::NamedTensors state = model.state();
  for (auto& [name, x] : state) x = ones(x.shape());
  nn::take_state(model, state, "memory");
  CHECK(model.parameters().size() == 2);
  CHECK(model.one.weight.to_vector<double>() == std::vector<double>{1, 1, 1, 1});
}

TEST_CASE("a mapped file keeps its bytes alive") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "text";
  std::ofstream(path) << "gradus";
  std::shared_ptr<std::byte> end;
  {
    const nn::MappedFile file(path.string());
    CHECK(file.bytes().size() == 6);
    end = file.from(4);
  }
  CHECK(static_cast<char>(*end) == 'u');
  CHECK_THROWS_AS(nn::MappedFile((folder.path() / "none").string()), IoError);
  CHECK_THROWS_AS(nn::MappedFile(folder.path().string()), IoError);
  CHECK_THROWS_AS(nn::MappedFile("/dev/null"), IoError);
}
