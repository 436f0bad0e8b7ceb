#include "apps/assembly/process_ports.hpp"

#include "actors/admission/process_load.hpp"
#include "actors/admission/record_files.hpp"
#include "apps/assembly/leg_port.hpp"
#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/observe/log.hpp"

#include <algorithm>
#include <thread>

namespace dunlin::assembly {

namespace {

ec failed(std::string_view event, const std::string& what, ec code) {
  log::error(event, {{"what", what}, {"reason", to_string(code)}});
  return code;
}

std::map<node_id, sockets::endpoint> addresses(const topology::cluster& of,
                                               topology::endpoint topology::node::*which) {
  std::map<node_id, sockets::endpoint> all;
  for (const auto& node : of.nodes)
    all[node.name] = to_socket(node.*which);
  return all;
}

/// What nodes show each other on legs; null: legs are plain.
result<sockets::tls_context> leg_tls(const topology::cluster& of, const topology::node& self) {
  if (of.options.plain_transport) return sockets::tls_context{};
  const auto bundle = crypto::load_bundle(tls_folder(of), self.name);
  if (!bundle) return bundle.error();
  return sockets::peer_context(*bundle);
}

result<void> open_links(process_ports& made, const topology::cluster& of,
                        const topology::node& self, std::shared_ptr<sockets::io_threads> threads) {
  const auto bundle = crypto::load_bundle(tls_folder(of), self.name);
  if (!bundle)
    return failed("node.bundle_not_read", tls_folder(of) + "/" + self.name, bundle.error());
  auto identity = crypto::make_identity(*bundle);
  if (!identity) return failed("node.bundle_not_read", self.name, identity.error());
  made.identity = std::move(*identity);
  // Plain transport still signs its hello: it gives up secrecy, not identity.
  const auto tls = of.options.plain_transport ? std::nullopt : std::optional(*bundle);

  links::tls_wire_options wire;
  wire.self = self.name;
  wire.listen = to_socket(self.control);
  wire.peers = addresses(of, &topology::node::control);
  wire.identity = tls;
  wire.threads = std::move(threads);
  auto wires = links::make_tls_wire(wire, *made.counts);
  if (!wires) return failed("node.control_not_made", self.control.text(), wires.error());
  made.wires = std::move(*wires);

  links::tls_bulk_options bulk;
  bulk.self = self.name;
  bulk.listen = to_socket(self.bulk);
  bulk.peers = addresses(of, &topology::node::bulk);
  bulk.identity = tls;
  auto transfers = links::make_tls_bulk(bulk, *made.counts);
  if (!transfers) return failed("node.bulk_not_made", self.bulk.text(), transfers.error());
  made.bulk = std::move(*transfers);
  return {};
}

/// Who expects legs, what they cost this machine, and where the decisions about them are written.
void open_legs(process_ports& made, const topology::cluster& of, const topology::node& self) {
  made.book = std::make_shared<leg_table>((made.random->next() & 0xFFFFFFFF) << 20);
  process_load_options load;
  load.capacity = self.capacity;
  load.network_per_second = self.network_per_second;
  load.sockets_max = of.options.connections_max;
  load.requests_max = of.options.requests_max;
  load.direct = made.direct;
  made.load = std::make_shared<process_load>(std::move(load));
  record_files_options records;
  records.folder = self.folder;
  made.recorder = std::make_shared<record_files>(std::move(records));
}

result<void> open_s3(process_ports& made, const topology::cluster& of, const topology::node& self) {
  if (!self.s3 && !self.leg) return {};
  http::server_options options;
  options.direct = self.s3.has_value();
  if (self.s3) options.listen = to_socket(*self.s3);
  options.host_id = self.name;
  options.traffic = made.direct = std::make_shared<http::client_traffic>();
  if (self.leg) {
    open_legs(made, of, self);
    auto& legs = options.legs.emplace();
    legs.listen = to_socket(*self.leg);
    legs.book = made.book.get();
    if (!self.leg->loopback()) {
      auto tls = leg_tls(of, self);
      if (!tls) return failed("node.bundle_not_read", self.name, tls.error());
      legs.tls = std::move(*tls);
    }
  }
  options.wildcard = true;  // the topology's rules have decided
  if (!of.options.s3_certificate.empty())
    options.tls = http::server_options::tls_files{of.options.s3_certificate, of.options.s3_key};
  options.connections_max = of.options.connections_max;
  auto server = http::make_server(options, *made.random, *made.counts);
  if (!server)
    return failed("node.s3_not_made", (self.s3 ? *self.s3 : *self.leg).text(), server.error());
  made.s3 = std::move(*server);
  return {};
}

/// Bytes of clients are copied here: a thread for every second processor, and few of them.
int threads_of_lines() {
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency() / 2, 1u, 4u));
}

result<void> open_balancer(process_ports& made, const topology::cluster& of,
                           const topology::node& self) {
  if (!self.balancer) return {};
  sockets::tls_context shown;
  if (!of.options.s3_certificate.empty()) {
    auto tls = sockets::server_context(of.options.s3_certificate, of.options.s3_key);
    if (!tls) return failed("node.balancer_not_made", of.options.s3_certificate, tls.error());
    shown = std::move(*tls);
  }
  auto tls = leg_tls(of, self);
  if (!tls) return failed("node.bundle_not_read", self.name, tls.error());
  made.line_threads = std::make_shared<sockets::io_threads>(threads_of_lines());
  made.clients = std::make_unique<sockets::socket_port>(made.line_threads, shown, nullptr);
  made.legs = std::make_unique<leg_port>(made.line_threads, std::move(*tls));
  return {};
}

}  // namespace

sockets::endpoint to_socket(const topology::endpoint& from) { return {from.host, from.port}; }

node_ports process_ports::ports() {
  node_ports made{*storage, *wires, *bulk, *identity, s3.get(), clock, random, counts};
  made.clients = clients.get();
  made.legs = legs.get();
  made.book = book;
  made.direct = direct;
  made.load = load;
  made.recorder = recorder;
  made.learn = [wires = wires.get(), bulk = bulk.get()](const topology::node& joined) {
    wires->add_peer(joined.name, to_socket(joined.control));
    bulk->add_peer(joined.name, to_socket(joined.bulk));
  };
  return made;
}

result<process_ports> open_process_ports(const topology::cluster& of, const topology::node& self,
                                         std::shared_ptr<sockets::io_threads> threads) {
  process_ports made;
  made.counts = std::make_shared<metrics>();
  made.clock = std::make_shared<crypto::system_wall_clock>();
  made.random = std::make_shared<crypto::system_random>();
  auto storage = posix_disk::open(self.folder);
  if (!storage) return failed("node.folder_not_opened", self.folder, storage.error());
  made.storage = std::move(*storage);
  // Before anything is read: recovery cuts logs, and two processes would cut each other's.
  if (auto done = made.storage->claim(); !done)
    return failed("node.folder_taken_by_another_process", self.folder, done.error());
  if (auto done = open_links(made, of, self, std::move(threads)); !done) return done.error();
  if (auto done = open_s3(made, of, self); !done) return done.error();
  if (auto done = open_balancer(made, of, self); !done) return done.error();
  return made;
}

}  // namespace dunlin::assembly
