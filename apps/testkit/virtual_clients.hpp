/// VIRTUAL CLIENTS: the clients of a virtual cluster whose nodes have real entries: sessions over
/// simulated streams, to balancers or straight to access nodes. A session asks one thing at a time;
/// whoever wants something takes one that is idle, or opens another. Some go after an answer, so
/// that new ones keep coming.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/simulation/sim_http_client.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct clients_options {
  std::chrono::milliseconds answer_timeout{35'000};  ///< longer than a node takes at most
  int tries = 2;                                     ///< of what may be repeated
  int refusals = 0;                                  ///< of balancers, that a client waits out
  std::uint32_t leave_per_thousand = 100;            ///< sessions that go after an answer
  std::string address = "127.0.0.1";
};

/// Of all sessions, those that have gone too.
struct clients_counts {
  std::uint64_t sessions = 0;
  std::uint64_t dials = 0;
  std::uint64_t retries = 0;
  std::uint64_t resets = 0;
  std::uint64_t garbled = 0;
  std::uint64_t refused = 0;
};

class virtual_clients {
public:
  using doors = std::vector<sockets::endpoint>;

  virtual_clients(simulation::sim_streams& streams, std::uint64_t seed, clients_options options);
  ~virtual_clients();

  /// To the first of the doors; after a failure to the next one.
  void send(const doors& to, simulation::client_request request,
            simulation::sim_http_client::on_answer done);

  /// Every session goes when it has its answer; new ones may come.
  void leave();
  /// Every session goes now.
  void abort();

  /// Sessions that have a connection, which its server has not ended.
  std::size_t connected() const;
  clients_counts counts() const;

  /// Each request of a client is marked with a header of this name, other than all others.
  static constexpr const char* mark = "x-virtual-try";

private:
  using session = std::shared_ptr<simulation::sim_http_client>;
  session idle_one(const doors& to);
  void sweep();
  static void add(clients_counts& to, const simulation::client_counts& of);

  simulation::sim_streams& streams_;
  const clients_options options_;
  std::mt19937_64 random_;
  std::uint64_t names_ = 0;
  std::uint64_t marks_ = 0;
  std::map<std::string, std::vector<session>> sessions_;  // by their doors
  clients_counts past_;                                   // of those that have gone
};

}  // namespace dunlin::testkit
