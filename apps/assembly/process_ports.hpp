/// PROCESS PORTS: the real outside world of one node's process: folder, TLS sockets, clock,
/// entropy.
#pragma once

#include "apps/assembly/node.hpp"
#include "runtime/disk/posix_disk.hpp"
#include "runtime/http/server.hpp"
#include "runtime/links/bulk/tls_bulk.hpp"
#include "runtime/links/tls_wire.hpp"
#include "runtime/sockets/socket_port.hpp"

#include <memory>

namespace dunlin::assembly {

struct process_ports {
  std::shared_ptr<metrics> counts;
  std::shared_ptr<const wall_clock> clock;
  std::shared_ptr<random_source> random;
  std::unique_ptr<posix_disk> storage;
  std::shared_ptr<links::identity> identity;
  std::unique_ptr<links::tls_wire_port> wires;
  std::unique_ptr<links::tls_bulk_port> bulk;
  std::shared_ptr<balance_recorder> recorder;
  std::shared_ptr<load_source> load;                  ///< with `book`
  std::shared_ptr<leg_table> book;                    ///< null without a leg address
  std::shared_ptr<http::client_traffic> direct;       ///< those that come to `s3` straight
  std::unique_ptr<http::server> s3;                   ///< null without the role
  std::shared_ptr<sockets::io_threads> line_threads;  ///< these three of a balancer, else null
  std::unique_ptr<sockets::stream_port> clients;
  std::unique_ptr<sockets::stream_port> legs;

  node_ports ports();
};

/// Opens the node's folder and reads its bundle; nothing listens yet. What is wrong is logged with
/// the file's or address's name. `threads`: nodes of one process may share them; null: the node's
/// links have their own.
result<process_ports> open_process_ports(const topology::cluster& of, const topology::node& self,
                                         std::shared_ptr<sockets::io_threads> threads = {});

sockets::endpoint to_socket(const topology::endpoint& from);

}  // namespace dunlin::assembly
