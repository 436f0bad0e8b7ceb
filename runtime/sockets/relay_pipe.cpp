#include "runtime/sockets/relay_pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <tuple>
#include <utility>
#include <vector>

namespace dunlin::sockets {

namespace {

constexpr std::size_t kept_max = 8;  // by a thread

struct kept_pipes {
  std::vector<std::pair<int, int>> all;
  ~kept_pipes() {
    for (const auto& [read, write] : all) {
      ::close(read);
      ::close(write);
    }
  }
};

thread_local kept_pipes kept;
std::atomic<int> lent = 0;

/// splice() knows no MSG_NOSIGNAL.
void without_signal() { [[maybe_unused]] static const auto once = ::signal(SIGPIPE, SIG_IGN); }

}  // namespace

relay_pipe::~relay_pipe() { give_back(); }

bool relay_pipe::borrow() {
  if (lent.fetch_add(1) >= lent_max) {
    lent.fetch_sub(1);
    return false;
  }
  if (!kept.all.empty()) {
    std::tie(read_, write_) = kept.all.back();
    kept.all.pop_back();
    return true;
  }
  without_signal();
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    lent.fetch_sub(1);
    return false;
  }
  ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(bytes_max));  // or what it is by default
  read_ = ends[0];
  write_ = ends[1];
  return true;
}

void relay_pipe::give_back() {
  if (read_ < 0) return;
  lent.fetch_sub(1);
  if (held_ == 0 && kept.all.size() < kept_max) {
    kept.all.emplace_back(read_, write_);
  } else {
    ::close(read_);
    ::close(write_);
  }
  read_ = write_ = -1;
  held_ = 0;
}

ssize_t relay_pipe::fill(int from, std::size_t most) {
  if (!borrow()) {
    errno = EMFILE;
    return -1;
  }
  const auto got = ::splice(from, nullptr, write_, nullptr, std::min(most, bytes_max),
                            SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  const auto why = errno;
  if (got > 0)
    held_ = static_cast<std::size_t>(got);
  else
    give_back();
  errno = why;
  return got;
}

ssize_t relay_pipe::drain(int to) {
  const auto went = ::splice(read_, nullptr, to, nullptr, held_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (went <= 0) return -1;
  held_ -= static_cast<std::size_t>(went);
  if (held_ == 0) give_back();
  return went;
}

}  // namespace dunlin::sockets
