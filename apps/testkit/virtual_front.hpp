/// VIRTUAL FRONT: the real HTTP entry of a simulated node, over simulated streams, and who watches
/// what it is asked.
#pragma once

#include "apps/testkit/virtual_clients.hpp"
#include "runtime/http/entry.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::testkit {

/// Nothing is asked twice that was sent once (docs/decisions/0015): but for one GET or HEAD more,
/// after the access node that had it first has died.
class request_watch {
public:
  void saw(const node_id& where, const http::request& what) {
    const auto* mark = what.find(virtual_clients::mark);
    if (!mark) return;
    auto& times = seen_[*mark];
    const auto most = what.method == "GET" || what.method == "HEAD" ? 2 : 1;
    if (++times > 1) ++repeated_;
    if (times > most)
      mistakes_.push_back(fmt::format("{} {} was asked for the {}. time, now at {}", what.method,
                                      what.target, times, where));
    ++requests_[where];
  }
  const std::vector<std::string>& mistakes() const { return mistakes_; }
  /// Requests that somebody asked again.
  std::uint64_t repeated() const { return repeated_; }
  std::uint64_t requests(const node_id& at) const {
    const auto found = requests_.find(at);
    return found == requests_.end() ? 0 : found->second;
  }

private:
  std::map<std::string, int> seen_;
  std::map<node_id, std::uint64_t> requests_;
  std::uint64_t repeated_ = 0;
  std::vector<std::string> mistakes_;
};

class virtual_front final : public http::entry {
public:
  using observer = std::function<void(const http::request&)>;
  virtual_front(std::unique_ptr<http::stream_entry> of, observer sees)
      : entry_(std::move(of)), sees_(std::move(sees)) {}

  result<void> serve(http::acceptor requests) override {
    return entry_->serve([sees = sees_, requests = std::move(requests)](http::exchange_ptr one) {
      sees(one->request());
      requests(std::move(one));
    });
  }
  void drain(int) override { entry_->begin_drain(); }
  void stop() override { entry_->stop(); }
  http::stream_entry& inside() { return *entry_; }

private:
  const std::unique_ptr<http::stream_entry> entry_;
  const observer sees_;
};

}  // namespace dunlin::testkit
