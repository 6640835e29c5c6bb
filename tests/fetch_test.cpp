// Downloads from a server on this machine that misbehaves in all the ways a far one can.
#include "apps/classify/fetch.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "tensor/error.h"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using gradus::IoError;
using gradus::classify::Download;
using gradus::classify::fetch;
using gradus::classify::Fetched;

namespace {

// "abc" * 100,000; printf 'abc%.0s' $(seq 100000) | sha256sum
const std::string kContent = [] {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "abc";
  return text;
}();
constexpr const char* kSum = "a77aedfe2e4a7232ea628a71745a966224c4521d93134b993cde5b65ea2f6e3c";

std::string reply(const std::string& status, const std::string& body, std::size_t promised) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     promised, body);
}
std::string whole(const std::string& body = kContent) { return reply("200 OK", body, body.size()); }
std::string rest_from(std::size_t start) {
  return reply("206 Partial Content", kContent.substr(start), kContent.size() - start);
}

// Answers the n-th connection with the n-th of the replies, whatever is asked, and keeps the
// requests. "hang" sends nothing and holds the line.
class Server {
 public:
  explicit Server(std::deque<std::string> replies) : replies_(std::move(replies)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(listener_, generic, size) == 0);
    REQUIRE(listen(listener_, 8) == 0);
    REQUIRE(getsockname(listener_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    shutdown(listener_, SHUT_RDWR);  // wakes accept
    thread_.join();
    close(listener_);
  }

  std::string url() const { return fmt::format("http://127.0.0.1:{}/file", port_); }
  std::vector<std::string> requests() {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    std::vector<int> held;
    while (true) {
      int line = accept(listener_, nullptr, nullptr);
      if (line < 0) break;
      std::string request;
      std::array<char, 4096> block;
      while (request.find("\r\n\r\n") == std::string::npos) {
        ssize_t n = recv(line, block.data(), block.size(), 0);
        if (n <= 0) break;
        request.append(block.data(), static_cast<std::size_t>(n));
      }
      std::string answer = "HTTP/1.1 500 No reply left\r\nConnection: close\r\n\r\n";
      if (!replies_.empty()) {
        answer = replies_.front();
        replies_.pop_front();
      }
      {
        std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (answer == "hang") {
        held.push_back(line);
        continue;
      }
      std::string_view left = answer;
      while (!left.empty()) {
        ssize_t n = send(line, left.data(), left.size(), MSG_NOSIGNAL);
        if (n <= 0) break;
        left.remove_prefix(static_cast<std::size_t>(n));
      }
      shutdown(line, SHUT_WR);
      while (recv(line, block.data(), block.size(), 0) > 0) {
      }
      close(line);
    }
    for (int line : held) close(line);
  }

  std::deque<std::string> replies_;
  int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// A folder of its own for each test.
struct Folder {
  Folder() {
    setenv("no_proxy", "*", 1);
    std::string name = (fs::temp_directory_path() / "gradus_fetch_XXXXXX").string();
    path = mkdtemp(name.data());
    file = path / "deep" / "file";
    part = file.string() + ".part";
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path path, file, part;
};

Download from(const std::string& url) {
  return {.url = url,
          .bytes = kContent.size(),
          .sha256 = kSum,
          .connect_timeout = 2s,
          .stall_timeout = 1s};
}
void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}
std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
bool contains(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}
// The message that fetching throws.
std::string complaint(const Download& download, const fs::path& file) {
  try {
    fetch(download, file);
  } catch (const IoError& error) {
    return error.what();
  }
  FAIL("nothing was thrown");
  return "";
}

}  // namespace

TEST_CASE("a download arrives whole, and is not made twice") {
  Folder folder;
  Server server({whole()});
  std::vector<std::uint64_t> progress;
  CHECK(fetch(from(server.url()), folder.file, [&](auto bytes) { progress.push_back(bytes); }) ==
        Fetched::downloaded);
  CHECK(read(folder.file) == kContent);
  CHECK_FALSE(fs::exists(folder.part));
  CHECK(std::is_sorted(progress.begin(), progress.end()));
  CHECK(progress.back() == kContent.size());

  CHECK(fetch(from(server.url()), folder.file) == Fetched::already_there);
  CHECK(server.requests().size() == 1);
  CHECK_FALSE(contains(server.requests()[0], "Range:"));
}

TEST_CASE("another file of that name is left alone") {
  Folder folder;
  Server server({whole()});
  write(folder.file, "mine");
  CHECK(contains(complaint(from(server.url()), folder.file), "4 bytes, not 300000"));
  CHECK(read(folder.file) == "mine");
  CHECK(server.requests().empty());
}

TEST_CASE("a partial download goes on where it stopped") {
  Folder folder;
  write(folder.part, kContent.substr(0, 100'000));
  Server server({rest_from(100'000)});
  fetch(from(server.url()), folder.file);
  CHECK(read(folder.file) == kContent);
  CHECK(contains(server.requests()[0], "Range: bytes=100000-\r\n"));
}

TEST_CASE("a complete part needs no server") {
  Folder folder;
  write(folder.part, kContent);
  Server server({});
  CHECK(fetch(from(server.url()), folder.file) == Fetched::downloaded);
  CHECK(server.requests().empty());
}

TEST_CASE("a server that cannot resume makes it start over") {
  Folder folder;
  write(folder.part, std::string(100'000, 'x'));
  SUBCASE("it ignores the range") {
    Server server({whole()});
    fetch(from(server.url()), folder.file);
  }
  SUBCASE("its file ends before the part does") {
    Server server({reply("416 Range Not Satisfiable", "", 0), whole()});
    fetch(from(server.url()), folder.file);
    CHECK_FALSE(contains(server.requests()[1], "Range:"));
  }
  CHECK(read(folder.file) == kContent);
}

TEST_CASE("a part longer than the file starts over") {
  Folder folder;
  write(folder.part, kContent + "more");
  Server server({whole()});
  fetch(from(server.url()), folder.file);
  CHECK(read(folder.file) == kContent);
  CHECK_FALSE(contains(server.requests()[0], "Range:"));
}

TEST_CASE("a wrong file is refused and removed") {
  Folder folder;
  SUBCASE("other content") {
    Server server({whole(std::string(kContent.size(), 'x'))});
    std::string text = complaint(from(server.url()), folder.file);
    CHECK(contains(text, std::string("not ") + kSum));
    CHECK_FALSE(fs::exists(folder.part));
  }
  SUBCASE("longer") {
    Server server({whole(kContent + "more")});
    CHECK(contains(complaint(from(server.url()), folder.file), "bytes, not 300000"));
    CHECK_FALSE(fs::exists(folder.part));
  }
  SUBCASE("shorter") {
    Server server({whole(kContent.substr(0, 1000)), reply("416 Range Not Satisfiable", "", 0),
                   whole(kContent.substr(0, 1000)), reply("416 Range Not Satisfiable", "", 0),
                   whole(kContent.substr(0, 1000))});
    CHECK(contains(complaint(from(server.url()), folder.file), "the server sends no more"));
  }
  CHECK_FALSE(fs::exists(folder.file));
}

TEST_CASE("a cut line is taken up again") {
  Folder folder;
  std::string first = kContent.substr(0, 120'000);
  SUBCASE("at once") {
    Server server({reply("200 OK", first, kContent.size()), rest_from(first.size())});
    fetch(from(server.url()), folder.file);
    CHECK(contains(server.requests()[1], "Range: bytes=120000-\r\n"));
  }
  SUBCASE("by the next call, where the server has gone") {
    {
      Server server({reply("200 OK", first, kContent.size())});
      std::string text = complaint(from(server.url()), folder.file);
      CHECK(contains(text, "500"));
      CHECK(contains(text, "0.1 of 0.3 MB are in " + folder.part.string()));
      CHECK(read(folder.part) == first);
    }
    Server server({rest_from(first.size())});
    fetch(from(server.url()), folder.file);
  }
  CHECK(read(folder.file) == kContent);
}

TEST_CASE("a server that is wrong or away says so soon and costs nothing") {
  Folder folder;
  auto begin = std::chrono::steady_clock::now();
  SUBCASE("404") {
    Server server({reply("404 Not Found", "<html>no</html>", 15)});
    std::string text = complaint(from(server.url()), folder.file);
    CHECK(contains(text, "404"));
    CHECK(contains(text, "Nothing was downloaded"));
    CHECK_FALSE(fs::exists(folder.part));
  }
  SUBCASE("404 in the middle") {
    write(folder.part, "abc");
    Server server({reply("404 Not Found", "<html>no</html>", 15)});
    complaint(from(server.url()), folder.file);
    CHECK(read(folder.part) == "abc");
  }
  SUBCASE("nobody listens") {
    std::string url = Server({}).url();
    CHECK(contains(complaint(from(url), folder.file), "Nothing was downloaded"));
  }
  SUBCASE("it stalls") {
    Server server({"hang"});
    CHECK(contains(complaint(from(server.url()), folder.file), "too slow"));
  }
  SUBCASE("not the web") {
    CHECK(contains(complaint(from("file:///etc/hostname"), folder.file), "rotocol"));
  }
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  CHECK_FALSE(fs::exists(folder.file));
}

TEST_CASE("where nothing can be written the sentence names the folder") {
  Folder folder;
  write(folder.path / "plain", "a file");
  std::string text = complaint(from("http://127.0.0.1:9/"), folder.path / "plain" / "file");
  CHECK(contains(text, (folder.path / "plain").string()));
}
