/// Two nodes of one cluster on loopback, and a stranger with a CA of its own.
#pragma once

#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/sockets/endpoint.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <map>
#include <string>

namespace dunlin::tests {

struct TwoNodes : testing::Test {
  TwoNodes() {
    char pattern[] = "/tmp/dunlin-links-XXXXXX";
    folder = ::mkdtemp(pattern);
    ca.emplace(crypto::cluster_ca::create(folder, "test").value());
    other_ca.emplace(crypto::cluster_ca::create(folder + "/other", "test").value());
  }
  ~TwoNodes() override { std::filesystem::remove_all(folder); }

  crypto::bundle of(const node_id& name) const { return ca->issue(name).value(); }
  crypto::bundle stranger(const node_id& name) const { return other_ca->issue(name).value(); }

  static sockets::endpoint local(std::uint16_t port = 0) { return {"127.0.0.1", port}; }

  /// Counted refusals of a port and reason, waiting for the first `at_least`.
  double refused(const std::string& port, const std::string& reason) {
    return counts
        .counter("dunlin_" + port + "_refused_total",
                 "Connections ended before they were of use, by reason.", {{"reason", reason}})
        .value();
  }

  std::string folder;
  std::optional<crypto::cluster_ca> ca;
  std::optional<crypto::cluster_ca> other_ca;
  metrics counts;
};

}  // namespace dunlin::tests
