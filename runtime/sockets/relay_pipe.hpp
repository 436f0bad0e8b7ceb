/// RELAY PIPE: bytes on their way from one socket to another that nobody looks at: the kernel moves
/// them (splice(2)), this process copies none. Descriptors are lent while there are bytes in it,
/// and no longer: whoever waits for bytes holds none. Those not in use are kept by each thread.
#pragma once

#include <sys/types.h>
#include <cstddef>

namespace dunlin::sockets {

class relay_pipe {
public:
  static constexpr std::size_t bytes_max = 256u << 10;  ///< at once; less where the system says so
  static constexpr int lent_max = 256;                  ///< of a process at once

  relay_pipe() = default;
  relay_pipe(const relay_pipe&) = delete;
  relay_pipe& operator=(const relay_pipe&) = delete;
  ~relay_pipe();

  /// Of a socket that does not block: how many bytes came, 0 at its end, or -1 and errno. EMFILE:
  /// too many are lent. Only while it is empty.
  ssize_t fill(int from, std::size_t most);
  /// To a socket that does not block: how many went, or -1 and errno.
  ssize_t drain(int to);
  std::size_t held() const { return held_; }

private:
  bool borrow();
  void give_back();

  int read_ = -1;
  int write_ = -1;
  std::size_t held_ = 0;
};

}  // namespace dunlin::sockets
