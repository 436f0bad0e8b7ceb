#include "apps/fanout/commands.hpp"
#include "apps/fanout/light_node.hpp"
#include "runtime/scheduling/frugal_scheduler.hpp"
#include "runtime/sockets/io_threads.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>

namespace dunlin::fanout {

namespace json = boost::json;

namespace {

/// What the nodes of this process have heard.
class notebook {
public:
  void note(std::uint64_t tick, std::int64_t now_ns) {
    changes_.fetch_add(1, std::memory_order_relaxed);
    if (!follows_.load(std::memory_order_relaxed)) return;
    const auto lock = std::scoped_lock{guard_};
    auto& [nodes, last] = ticks_[tick];
    ++nodes;
    last = std::max(last, now_ns);
  }
  void follow(bool yes) { follows_ = yes; }
  json::object take() {
    const auto lock = std::scoped_lock{guard_};
    json::array ticks;
    for (const auto& [tick, heard] : std::exchange(ticks_, {}))
      ticks.push_back(json::array{tick, heard.first, heard.second});
    return {{"changes", changes_.exchange(0)}, {"ticks", std::move(ticks)}};
  }

private:
  std::atomic<std::uint64_t> changes_{0};
  std::atomic<bool> follows_{true};
  std::mutex guard_;
  std::map<std::uint64_t, std::pair<std::uint64_t, std::int64_t>> ticks_;
};

json::object status_of(caf::actor_system& system,
                       const std::vector<std::unique_ptr<light_node>>& nodes, std::size_t queues) {
  caf::scoped_actor self{system};
  std::size_t subscribed = 0;
  for (const auto& node : nodes)
    self->request(node->subscriber(), std::chrono::seconds(5), v1::GetSubscriberStatus{})
        .receive(
            [&](const v1::SubscriberStatus& said) {
              subscribed += static_cast<std::size_t>(said.subscribed_size()) == queues ? 1 : 0;
            },
            [](const caf::error&) {});
  return {{"nodes", nodes.size()}, {"subscribed", subscribed}};
}

}  // namespace

int listen(const topology::cluster& cluster, const std::vector<node_id>& names) {
  caf::actor_system_config config;
  scheduling::use_frugal_scheduler(config, 1);
  caf::actor_system system{config};
  notebook heard;
  std::vector<std::unique_ptr<light_node>> nodes;
  const auto threads = std::make_shared<sockets::io_threads>(1);
  for (const auto& name : names) {
    auto made = light_node::start(system, cluster, name, threads,
                                  [&](const std::string&, std::uint64_t tick) {
                                    const auto now = system.clock().now().time_since_epoch();
                                    heard.note(tick, std::chrono::nanoseconds(now).count());
                                  });
    if (!made) {
      fmt::print(stderr, "{} does not start\n", name);
      std::_Exit(1);  // those before it would have to be ended in order
    }
    nodes.push_back(std::move(made));
  }
  const auto queues = cluster.nodes_with(topology::role::queue).size();
  for (std::string line; std::getline(std::cin, line);) {
    json::object answer;
    if (line == "follow" || line == "count") heard.follow(line == "follow");
    if (line == "status") answer = status_of(system, nodes, queues);
    if (line == "report") answer = heard.take();
    std::cout << json::serialize(answer) << std::endl;
  }
  return 0;
}

}  // namespace dunlin::fanout
