#include "apps/classify/fetch.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "apps/classify/seconds.h"
#include "apps/classify/terminal.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace fs = std::filesystem;

const Download kImdb{
    .url = "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    .bytes = 84'125'825,
    .sha256 = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
};

namespace {

constexpr int kTries = 5;

template <class... Args>
IoError error(fmt::format_string<Args...> text, Args&&... args) {
  return IoError("[fetch] " + fmt::format(text, std::forward<Args>(args)...));
}

double megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

// An open file; every failure of its calls is an IoError that names it.
class File {
 public:
  File(const fs::path& path, int flags) : path_(path), fd_(open(path.c_str(), flags, 0666)) {
    if (fd_ < 0) fail("open");
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { close(fd_); }

  // False if another process holds it.
  bool lock() const { return flock(fd_, LOCK_EX | LOCK_NB) == 0; }
  std::size_t read(char* to, std::size_t count) const {
    ssize_t n = ::read(fd_, to, count);
    if (n < 0) fail("read");
    return static_cast<std::size_t>(n);
  }
  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) fail("write");
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void clear() const {
    if (ftruncate(fd_, 0) != 0) fail("truncate");
  }
  void sync() const {
    if (fsync(fd_) != 0) fail("sync");
  }

 private:
  [[noreturn]] void fail(const char* verb) const {
    throw error("cannot {} {}: {}", verb, path_.string(), std::strerror(errno));
  }

  fs::path path_;
  int fd_;
};

std::string sha256_of(const fs::path& path) {
  File file(path, O_RDONLY | O_CLOEXEC);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::array<char, 1 << 16> block;
  while (std::size_t n = file.read(block.data(), block.size())) {
    EVP_DigestUpdate(context.get(), block.data(), n);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

// What is wrong with the file at `path`, or "" if it is the one promised.
std::string fault(const Download& download, const fs::path& path) {
  if (!fs::is_regular_file(path)) return "not a file";
  std::uint64_t bytes = fs::file_size(path);
  if (bytes != download.bytes) return fmt::format("{} bytes, not {}", bytes, download.bytes);
  std::string sum = sha256_of(path);
  return sum == download.sha256 ? "" : fmt::format("SHA-256 {}, not {}", sum, download.sha256);
}

// One request for what the part lacks. Throws only what trying again cannot mend.
class Request {
 public:
  Request(const Download& download, const File& part, std::uint64_t& have, const Progress& progress)
      : download_(download), part_(part), have_(have), progress_(progress) {
    if (!curl_) throw error("libcurl does not start");
  }

  // "" if the server said all it had to say, else what went wrong.
  std::string run() {
    std::array<char, CURL_ERROR_SIZE> message{};
    std::string range = fmt::format("{}-", have_);
    set(CURLOPT_URL, download_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name server that does not answer
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(download_.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1000L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(download_.stall_timeout.count()));
    set(CURLOPT_ERRORBUFFER, message.data());
    set(CURLOPT_WRITEFUNCTION, &Request::on_bytes);
    set(CURLOPT_WRITEDATA, this);
    if (have_ > 0) set(CURLOPT_RANGE, range.c_str());
    CURLcode code = curl_easy_perform(curl_.get());
    if (failure_) std::rethrow_exception(failure_);
    if (status() == 416) restart();  // the server's file ends before our part does
    if (code == CURLE_OK) return "";
    return message[0] != '\0' ? message.data() : curl_easy_strerror(code);
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(curl_.get(), option, value);
  }
  long status() const {
    long code = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }
  void restart() {
    part_.clear();
    have_ = 0;
  }

  // Exceptions must not cross libcurl, which is C: they wait in failure_.
  static std::size_t on_bytes(char* data, std::size_t, std::size_t count, void* self) {
    auto& request = *static_cast<Request*>(self);
    try {
      request.take({data, count});
      return request.have_ <= request.download_.bytes ? count : 0;  // 0 ends the transfer
    } catch (...) {
      request.failure_ = std::current_exception();
      return 0;
    }
  }
  void take(std::string_view bytes) {
    // 206 is the part asked for; with 200 the server sends the whole file all the same.
    if (!started_ && status() != 206 && have_ > 0) restart();
    started_ = true;
    part_.write(bytes);
    have_ += bytes.size();
    if (progress_) progress_(have_);
  }

  const Download& download_;
  const File& part_;
  std::uint64_t& have_;
  const Progress& progress_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_{curl_easy_init(), curl_easy_cleanup};
  bool started_ = false;
  std::exception_ptr failure_;
};

// "  12.3 of 84.1 MB, 1.20 MB/s, 60 s left" on stderr, if that is a terminal.
class ProgressLine {
 public:
  explicit ProgressLine(std::uint64_t total) : total_(total) {}
  ~ProgressLine() { end(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void operator()(std::uint64_t bytes) {
    Clock::time_point now = Clock::now();
    if (!shown_ || bytes < first_) {
      first_ = bytes;
      begin_ = now;
    } else if (now - *shown_ < std::chrono::milliseconds(100) && bytes < total_) {
      return;
    }
    shown_ = now;
    if (!terminal_) return;
    double seconds = std::max(seconds_since(begin_), 0.1);
    double rate = std::max(static_cast<double>(bytes - first_) / seconds, 1.0);
    fmt::print(stderr, "\r{:6.1f} of {:.1f} MB, {:.2f} MB/s, {:.0f} s left\033[K", megabytes(bytes),
               megabytes(total_), rate / 1e6, static_cast<double>(total_ - bytes) / rate);
  }
  // What is printed next starts a line of its own.
  void end() {
    if (terminal_ && shown_) fmt::print(stderr, "\n");
    shown_.reset();
  }

 private:
  bool terminal_ = redraws(STDERR_FILENO);
  std::uint64_t total_;
  std::uint64_t first_ = 0;  // what was there when the line was first shown
  Clock::time_point begin_;  // and when that was
  std::optional<Clock::time_point> shown_;
};

}  // namespace

Fetched fetch(const Download& download, const fs::path& file, const Progress& progress) {
  if (fs::exists(file)) {
    std::string wrong = fault(download, file);
    if (wrong.empty()) return Fetched::already_there;
    throw error("{} is there already, but is not the file at {}: {}. Remove it to download again",
                file.string(), download.url, wrong);
  }
  fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  fs::path part_path = file.string() + ".part";
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw error("cannot make folder {}: {}", folder.string(), failed.message());

  File part(part_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC);
  if (!part.lock()) throw error("another process is downloading to {}", part_path.string());
  std::uint64_t have = fs::file_size(part_path);
  if (have > download.bytes) {
    part.clear();
    have = 0;
  }
  for (int tries = 1; have < download.bytes; ++tries) {
    std::uint64_t before = have;
    std::string trouble = Request(download, part, have, progress).run();
    if (have >= download.bytes || (have != before && tries < kTries)) continue;
    if (trouble.empty()) trouble = "the server sends no more";
    std::string kept = fmt::format("{:.1f} of {:.1f} MB are in {}; the same command goes on there",
                                   megabytes(have), megabytes(download.bytes), part_path.string());
    if (have == 0) {
      fs::remove(part_path);
      kept = "Nothing was downloaded";
    }
    throw error("{}: {}. {}", download.url, trouble, kept);
  }
  std::string wrong = fault(download, part_path);
  if (!wrong.empty()) {
    fs::remove(part_path);
    throw error("what {} sent is not the file expected: {}. It was removed", download.url, wrong);
  }
  part.sync();
  fs::rename(part_path, file, failed);
  if (failed) throw error("cannot rename {}: {}", part_path.string(), failed.message());
  return Fetched::downloaded;
}

void fetch_imdb(const fs::path& folder) {
  fs::path file = folder / fs::path(kImdb.url).filename();
  fmt::print("{} ({:.0f} MB)\n", kImdb.url, megabytes(kImdb.bytes));
  std::fflush(stdout);
  ProgressLine line(kImdb.bytes);
  Fetched done = fetch(kImdb, file, std::ref(line));
  line.end();
  fmt::print("{} is {}, and its SHA-256 is right\n", file.string(),
             done == Fetched::already_there ? "already there" : "complete");
}

}  // namespace gradus::classify
