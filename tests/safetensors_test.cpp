#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include "gradus.h"
#include "nn/atomic_file.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// A folder of this test's own, gone with it.
struct Folder {
  fs::path path = fs::path(GRADUS_BUILD_DIR) / "safetensors_test";
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A file with this header and `data` bytes of zeros.
std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data, '\0');
}

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const IoError& e) {
    return e.what();
  }
  return "nothing was thrown";
}

nn::NamedTensors small() {
  return {{"flag", cast(tensor({1, 0, 1}), DType::boolean)},
          {"weight", tensor({{1.5, -2}, {3, 4}})},
          {"half", tensor({1.0 / 3}, {.dtype = DType::f64})},
          {"count", tensor(7, {.dtype = DType::i32})},
          {"none", zeros({0, 5})}};
}

}  // namespace

TEST_CASE("tensors and metadata come back as they were saved") {
  const Folder folder;
  const std::string path = folder / "small.safetensors";
  const nn::Metadata metadata{{"labels", "[\"für\", \"\\n\"]"}, {"empty", ""}};
  const nn::NamedTensors tensors = small();
  nn::save(path, tensors, metadata);
  const nn::Checkpoint file = nn::load(path);
  CHECK(file.metadata == metadata);
  REQUIRE(file.tensors.size() == tensors.size());
  for (const auto& named : tensors) {
    CAPTURE(named.first);
    const auto at = std::find_if(file.tensors.begin(), file.tensors.end(),
                                 [&](const auto& other) { return other.first == named.first; });
    REQUIRE(at != file.tensors.end());
    CHECK(at->second.dtype() == named.second.dtype());
    CHECK(at->second.shape() == named.second.shape());
    CHECK(at->second.to_vector<double>() == named.second.to_vector<double>());
  }
  // The same tensors make the same bytes; nothing else is left in the folder.
  const std::string bytes = read(path);
  nn::save(path, small(), metadata);
  CHECK(read(path) == bytes);
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
  // The header's end, where the numbers begin, is at a multiple of 8.
  CHECK(bytes.find('{') == 8);
  CHECK(static_cast<unsigned char>(bytes[0]) % 8 == 0);
}

TEST_CASE("half precision takes half the bytes and keeps three digits; f32 comes back") {
  const Folder folder;
  const Tensor x = tensor({{1.0 / 3, -2}, {1e-6, 65504}});
  nn::save(folder / "half", {{"x", x}, {"count", tensor({7, 8}, {.dtype = DType::i32})}}, {},
           {.half = true});
  CHECK(read(folder / "half").find(R"("x":{"dtype":"F16","shape":[2,2],"data_offsets":[8,16]})") !=
        std::string::npos);
  for (const char* name : {"cpu", "reference"}) {
    const nn::Checkpoint file = nn::load(folder / "half", backend(name));
    CHECK(file.tensors[0].second.to_vector<double>() == std::vector<double>{7, 8});
    CHECK(file.tensors[1].second.dtype() == DType::f32);
    const std::vector<double> found = file.tensors[1].second.to_vector<double>();
    const std::vector<double> wanted = x.to_vector<double>();
    for (std::size_t i = 0; i < 4; ++i) {
      // 11 binary digits, and multiples of 2^-24 below 2^-14.
      CHECK(std::abs(found[i] - wanted[i]) <=
            std::max(std::ldexp(std::abs(wanted[i]), -11), 0x1p-25));
    }
  }
  CHECK(message([&] {
          nn::save(folder / "large", {{"x", x * 2}}, {}, {.half = true});
        }).find("x: 131008 is too large for half precision") != std::string::npos);
  CHECK(!fs::exists(folder / "large"));
}

TEST_CASE("bfloat16 of other programs is read") {
  const Folder folder;
  // 1 and -2 are 0x3F800000 and 0xC0000000 as f32. One space puts the numbers at an odd byte.
  write(folder / "bf16", file_of(R"({"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}} )", 0) +
                             std::string("\x80\x3F\x00\xC0", 4));
  CHECK(nn::load(folder / "bf16").tensors[0].second.to_vector<double>() ==
        std::vector<double>{1, -2});
}

TEST_CASE("int64 of other programs is read where it fits i32") {
  const Folder folder;
  const std::string header = R"({"x":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})";
  const std::string minus_one(8, '\xFF');
  write(folder / "fits", file_of(header, 0) + std::string("\x05\0\0\0\0\0\0\0", 8) + minus_one);
  const Tensor x = nn::load(folder / "fits").tensors[0].second;
  CHECK(x.dtype() == DType::i32);
  CHECK(x.to_vector<std::int32_t>() == std::vector<std::int32_t>{5, -1});
  write(folder / "large", file_of(header, 0) + std::string("\0\0\0\x80\0\0\0\0", 8) + minus_one);
  CHECK(message([&] {
          nn::load(folder / "large");
        }).find("tensor 'x': a number of type I64 does not fit i32") != std::string::npos);
}

TEST_CASE("strided tensors are saved in row-major order") {
  const Folder folder;
  nn::save(folder / "t", {{"x", transpose(tensor({{1, 2, 3}, {4, 5, 6}}))}});
  CHECK(nn::load(folder / "t").tensors[0].second.to_vector<double>() ==
        std::vector<double>{1, 4, 2, 5, 3, 6});
}

TEST_CASE("a model is saved and loaded by its names") {
  const Folder folder;
  const std::string path = folder / "model.safetensors";
  nn::Sequential model{nn::Linear(2, 3), relu, nn::LayerNorm(3)};
  nn::save(path, model, {{"size", "3"}});
  nn::Sequential other{nn::Linear(2, 3), relu, nn::LayerNorm(3)};
  const Tensor weight = other.at<nn::Linear>(0).weight;
  CHECK(nn::load(path, other).at("size") == "3");
  CHECK(weight.to_vector<double>() == model.at<nn::Linear>(0).weight.to_vector<double>());
  CHECK(weight.requires_grad());

  nn::Sequential wrong{nn::Linear(2, 4), relu, relu, nn::LayerNorm(3)};
  const std::vector<double> before = wrong.parameters()[0].to_vector<double>();
  const std::string said = message([&] { nn::load(path, wrong); });
  for (const std::string part :
       {"0.weight: the file has f32 [3, 2], the model f32 [4, 2]", "missing: 3.weight [3]",
        "unexpected: 2.bias [3]", path.c_str(), "Sequential"}) {
    CAPTURE(part);
    CHECK(said.find(part) != std::string::npos);
  }
  CHECK(wrong.parameters()[0].to_vector<double>() == before);
}

TEST_CASE("PyTorch's count of batches is passed over") {
  const Folder folder;
  nn::BatchNorm1d norm(3);
  nn::NamedTensors state = norm.state();
  state.emplace_back("num_batches_tracked", tensor(7, {.dtype = DType::i32}));
  nn::save(folder / "m", state);
  CHECK_NOTHROW(nn::load(folder / "m", norm));
}

TEST_CASE("a file that is replaced keeps its permissions") {
  const Folder folder;
  nn::save(folder / "model", small());
  fs::permissions(folder / "model", fs::perms::owner_read | fs::perms::owner_write);
  nn::save(folder / "model", small());
  CHECK(fs::status(folder / "model").permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("two who write a file at once do not mix their bytes") {
  const Folder folder;
  const auto put = [](nn::AtomicFile& file, std::string_view text) {
    file.write(std::as_bytes(std::span(text)));
  };
  nn::AtomicFile first(folder / "model"), second(folder / "model");
  put(first, "aaaa");
  put(second, "bb");
  first.commit();
  CHECK(read(folder / "model") == "aaaa");
  second.commit();
  CHECK(read(folder / "model") == "bb");
}

TEST_CASE("what cannot be saved leaves the old file alone") {
  const Folder folder;
  write(folder / "old", "old");
  CHECK_THROWS_AS(nn::save(folder / "old", {{"x", ones({1})}, {"x", ones({1})}}), IoError);
  CHECK_THROWS_AS(nn::save(folder / "old", {{"__metadata__", ones({1})}}), IoError);
  CHECK_THROWS_AS(nn::save(folder / "old", {{"\xff", ones({1})}}), IoError);
  CHECK_THROWS_AS(nn::save(folder / "old", small(), {{"k", "\xff"}}), IoError);
  CHECK(read(folder / "old") == "old");
  CHECK(message([&] { nn::save(folder / "no/such/folder", small()); }).find("No such file") !=
        std::string::npos);
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("every kind of damage has its sentence") {
  const Folder folder;
  const std::string path = folder / "bad";
  struct Case {
    std::string bytes, says;
  };
  const std::string x = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string header = x;
    return header.replace(header.find(from), from.size(), to);
  };
  const std::string huge(8, '\xff');
  for (const Case& c : std::vector<Case>{
           {"", "0 bytes are not a safetensors file"},
           {"1234567", "7 bytes are not a safetensors file"},
           {huge + "{}",
            "its header would take 18446744073709551615 bytes, of 10 in the file; it is truncated "
            "or no safetensors file"},
           {file_of(x, 0).substr(0, 30),
            "its header would take 54 bytes, of 30 in the file; it is truncated or no safetensors "
            "file"},
           {file_of(x, 7),
            "tensor 'x': its bytes 0 to 8 are not within the 7 bytes of data; the file may be "
            "truncated"},
           {file_of(x, 9), "1 bytes at its end belong to no tensor"},
           {file_of("[]", 0), "its header does not begin with {"},
           {file_of("", 0), "its header does not begin with {"},
           {file_of("{\"x\":", 0), "its header is not JSON"},
           {file_of("{\"\xff\":1}", 0), "its header is not JSON"},
           {file_of(x + "x", 8), "its header is not JSON"},
           {file_of(with("8]", "NaN]"), 8), "its header is not JSON"},
           {file_of("{\"a\":" + std::string(100000, '['), 0), "its header is nested too deeply"},
           {file_of("{\"x\":3}", 0),
            "tensor 'x': it needs dtype, shape and data_offsets, and nothing else"},
           {file_of(with("shape", "shade"), 8),
            "tensor 'x': it needs dtype, shape and data_offsets, and nothing else"},
           {file_of(with("\"shape\"", "\"more\":1,\"shape\""), 8),
            "tensor 'x': it needs dtype, shape and data_offsets, and nothing else"},
           {file_of(with("\"F32\"", "32"), 8),
            "tensor 'x': dtype must be a string, shape a list and data_offsets a pair"},
           {file_of(with("F32", "F8"), 8),
            "tensor 'x': dtype \"F8\" is not one of F32, F64, I32, BOOL, F16, BF16, I64"},
           {file_of(with("F32", "F16"), 8), "tensor 'x': 8 bytes do not hold F16 [2]"},
           {file_of(with("[2]", "2"), 8),
            "tensor 'x': dtype must be a string, shape a list and data_offsets a pair"},
           {file_of(with("[2]", "[-2]"), 8), "tensor 'x': a size is not a whole number"},
           {file_of(with("[2]", "[2.0]"), 8), "tensor 'x': a size is not a whole number"},
           {file_of(with("[2]", "[3]"), 8), "tensor 'x': 8 bytes do not hold F32 [3]"},
           {file_of(with("[2]", "[4294967296,4294967296,0]"), 8),
            "tensor 'x': [shape] the number of elements of [4294967296, 4294967296, 0] does not "
            "fit 64 bits"},
           {file_of(with("[2]", "[18446744073709551615]"), 8),
            "tensor 'x': [shape] negative size in [-1]"},
           {file_of(with("[2]", "[1,1,1,1,1,1,1,1,2]"), 8),
            "tensor 'x': [shape] 9 axes, at most 8 are supported"},
           {file_of(with("[2]", "[4611686018427387906]"), 8),
            "tensor 'x': 8 bytes do not hold F32 [4611686018427387906]"},  // * 4 wraps to 8
           {file_of(with("[0,8]", "[0,8,9]"), 8),
            "tensor 'x': dtype must be a string, shape a list and data_offsets a pair"},
           {file_of(with("[0,8]", "[8,0]"), 8),
            "tensor 'x': its bytes 8 to 0 are not within the 8 bytes of data; the file may be "
            "truncated"},
           {file_of(with("[0,8]", "[0,1e3]"), 8), "tensor 'x': an offset is not a whole number"},
           {file_of(with("[0,8]", "[0,18446744073709551615]"), 8),
            "tensor 'x': its bytes 0 to 18446744073709551615 are not within the 8 bytes of data; "
            "the file may be truncated"},
           {file_of(with("[0,8]", "[1,9]"), 9),
            "tensor 'x': its data begins at byte 1, after byte 0 where the one before ends"},
           {file_of(x.substr(0, x.size() - 1) + "," + x.substr(1), 8),
            "the name 'x' is in its header twice"},
           {file_of(x.substr(0, x.size() - 1) + ",\"y" + x.substr(3), 8),
            "tensor 'y': its data begins at byte 0, before byte 8 where the one before ends"},
           {file_of("{\"__metadata__\":[1]}", 0), "its metadata is not an object"},
           {file_of("{\"__metadata__\":{\"a\":1}}", 0), "its metadata 'a' is not a string"},
           {file_of(R"({"x":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", 0) + "\2",
            "tensor 'x': a BOOL is neither 0 nor 1"}}) {
    write(path, c.bytes);
    CAPTURE(c.says);
    const std::string said = message([&] { nn::load(path); });
    CAPTURE(said);
    CHECK(said == "[load] " + path + ": " + c.says);
  }
  CHECK(message([&] { nn::load(folder / "none"); }).find("no such file") != std::string::npos);
  CHECK(message([&] { nn::load(folder.path.string()); }).find("not a regular file") !=
        std::string::npos);
}

TEST_CASE("a file cut short or with a byte changed is refused or reads as a tensor file") {
  const Folder folder;
  const std::string path = folder / "fuzz";
  nn::save(path, small(), {{"k", "v"}});
  const std::string whole = read(path);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write(path, whole.substr(0, length));
    CHECK_THROWS_AS(nn::load(path), IoError);
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int flip : {1, 2, 4, 16, 32, 64, 128, 255}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      write(path, bytes);
      std::size_t data = 0;
      try {
        for (const auto& [name, x] : nn::load(path).tensors) {
          data += static_cast<std::size_t>(x.numel()) * size_of(x.dtype());
        }
        CHECK(data == 3 + 16 + 8 + 4);
      } catch (const IoError&) {
      }
    }
  }
}
