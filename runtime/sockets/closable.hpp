/// Something open that another thread may end.
#pragma once

namespace dunlin::sockets {

class closable {
public:
  virtual ~closable() = default;
  /// From any thread.
  virtual void close_soon() = 0;
};

}  // namespace dunlin::sockets
