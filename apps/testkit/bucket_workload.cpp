#include "apps/testkit/bucket_workload.hpp"

#include "apps/testkit/s3_history.hpp"

#include <fmt/format.h>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

bool unknown(int status) { return status == 0 || status >= 500; }

const std::string exists = "there";

}  // namespace

bucket_workload::bucket_workload(virtual_cluster& cluster, bucket_options options)
    : cluster_(cluster), options_(options), random_(cluster.seed() + 313) {}

void bucket_workload::begin() {
  for (int owner = 0; owner < options_.owners; ++owner) {
    names_.push_back(fmt::format("life-{}", ++named_));
    ++open_;
    ++owners_;
    live(owner);
  }
  for (int reader = 0; reader < options_.readers; ++reader) {
    ++open_;
    read();
  }
}

void bucket_workload::later(std::chrono::milliseconds most, std::function<void()> what) {
  const auto wait = random_() % static_cast<std::uint64_t>(most.count() + 1);
  cluster_.time().events().after(std::chrono::milliseconds(wait), std::move(what));
}

// ---- owners ----

void bucket_workload::live(int owner) {
  if (stopped_ || lives_ >= options_.lives) {
    --open_;
    --owners_;
    return;
  }
  ++lives_;
  later(options_.pause_max, [this, owner] { make(owner); });
}

void bucket_workload::make(int owner) {
  write(owner, true, [this, owner](int status) {
    if (status == 200) return use(owner);
    if (!unknown(status))
      mistakes_.push_back(fmt::format("making {} answered {}", names_[owner], status));
    give_up(owner);
  });
}

/// Whatever a node held of the name, of its bucket before or of none: it must find this one.
void bucket_workload::use(int owner) {
  if (random_() % 2 > 0) return later(options_.life_max, [this, owner] { remove(owner); });
  cluster_.send(any_node(), "PUT", "/" + names_[owner] + "/object", "", "",
                [this, owner](const answer& seen) {
                  if (seen.status == 200)
                    return later(options_.life_max, [this, owner] { remove_object(owner, 5); });
                  if (!unknown(seen.status))
                    mistakes_.push_back(fmt::format("PUT into {}, which is there, answered {} {}",
                                                    names_[owner], seen.status, seen.body));
                  give_up(owner);
                });
}

void bucket_workload::remove_object(int owner, int attempts) {
  cluster_.send(any_node(), "DELETE", "/" + names_[owner] + "/object", "", "",
                [this, owner, attempts](const answer& seen) {
                  if (seen.status == 204) return remove(owner);
                  if (!unknown(seen.status))
                    mistakes_.push_back(fmt::format("DELETE in {}, which is there, answered {} {}",
                                                    names_[owner], seen.status, seen.body));
                  if (!unknown(seen.status) || attempts == 0) return give_up(owner);
                  later(500ms, [this, owner, attempts] { remove_object(owner, attempts - 1); });
                });
}

void bucket_workload::remove(int owner) {
  write(owner, false, [this, owner](int status) {
    if (status == 204) return live(owner);
    if (!unknown(status))
      mistakes_.push_back(fmt::format("removing {} answered {}", names_[owner], status));
    give_up(owner);
  });
}

void bucket_workload::give_up(int owner) {
  names_[owner] = fmt::format("life-{}", ++named_);
  live(owner);
}

void bucket_workload::write(int owner, bool makes, on_status done) {
  const auto name = names_[owner];
  auto& history = histories_[name];
  register_operation one;
  one.writes = true;
  if (makes) one.value = exists;
  one.called = cluster_.time().now();
  history.push_back(one);
  cluster_.send(any_node(), makes ? "PUT" : "DELETE", "/" + name, "", "",
                [this, name, at = history.size() - 1, done = std::move(done)](const answer& seen) {
                  done(seen.status);
                  if (seen.status != 200 && seen.status != 204) return;
                  histories_[name][at].answered = cluster_.time().now();
                  // What is stale shows where somebody looks at once.
                  ++open_;
                  look(any_node(), name, [this] { --open_; });
                });
}

// ---- readers ----

void bucket_workload::read() {
  if (owners_ == 0) {
    --open_;
    return;
  }
  const auto name = names_[random_() % names_.size()];
  look(any_node(), name, [this] { later(options_.pause_max, [this] { read(); }); });
}

void bucket_workload::look(const node_id& through, const std::string& name,
                           std::function<void()> done) {
  const auto begun = cluster_.time().now();
  cluster_.send(through, "HEAD", "/" + name, "", "",
                [this, begun, through, name, done = std::move(done)](const answer& seen) {
                  register_operation one;
                  one.called = begun;
                  one.answered = cluster_.time().now();
                  const auto& cache = cluster_.topology().options.caches.at("bucket");
                  if (seen.status == 200) {
                    one.value = exists;
                    if (!cache.validated) one.called -= cache.staleness_max + 5ms;
                  }
                  if (seen.status == 200 || seen.status == 404)
                    histories_[name].push_back(one);
                  else if (!unknown(seen.status))
                    mistakes_.push_back(
                        fmt::format("HEAD /{} through {} answered {}", name, through, seen.status));
                  done();
                });
}

void bucket_workload::read_all() {
  const auto open = std::make_shared<std::size_t>(0);
  for (const auto& name : names())
    for (const auto& node : cluster_.access_nodes()) {
      ++*open;
      look(node, name, [open] { --*open; });
      cluster_.time().run_until([open] { return *open < 8; }, 60s);
    }
  cluster_.time().run_until([open] { return *open == 0; }, 60s);
}

// ---- judgement ----

std::vector<std::string> bucket_workload::names() const {
  std::vector<std::string> all;
  for (const auto& [name, history] : histories_)
    all.push_back(name);
  return all;
}

std::vector<std::string> bucket_workload::judge_all(std::size_t states_max) const {
  std::vector<std::string> wrong;
  for (const auto& [name, history] : histories_)
    if (judge(history, states_max) == judgement::wrong)
      wrong.push_back("no order explains the history of bucket " + name + to_text(history));
  return wrong;
}

}  // namespace dunlin::testkit
