#include "apps/assembly/process_ports.hpp"

#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/observe/log.hpp"

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

result<void> open_s3(process_ports& made, const topology::cluster& of, const topology::node& self) {
  if (!self.s3) return {};
  http::server_options options;
  options.listen = to_socket(*self.s3);
  options.wildcard = true;  // the topology's rules have decided
  if (!of.options.s3_certificate.empty())
    options.tls = http::server_options::tls_files{of.options.s3_certificate, of.options.s3_key};
  options.connections_max = of.options.connections_max;
  auto server = http::make_server(options, *made.random, *made.counts);
  if (!server) return failed("node.s3_not_made", self.s3->text(), server.error());
  made.s3 = std::move(*server);
  return {};
}

}  // namespace

sockets::endpoint to_socket(const topology::endpoint& from) { return {from.host, from.port}; }

node_ports process_ports::ports() {
  return {*storage, *wires, *bulk, *identity, s3.get(), clock, random, counts};
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
  return made;
}

}  // namespace dunlin::assembly
