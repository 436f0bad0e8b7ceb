/// CLUSTER CA: a certificate authority of the cluster's own, and one bundle per node (decision 20).
/// ECDSA P-256; a node's certificate carries its name as the one DNS name and serves both
/// directions. Files are PEM, mode 0600, in folders of mode 0700:
///   FOLDER/ca/{certificate,key}.pem          the key stays where `init` ran
///   FOLDER/NODE/{ca,certificate,key}.pem     all that node NODE needs
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/links/identity.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace dunlin::crypto {

/// What a node is started with, as PEM.
struct bundle {
  std::string ca;
  std::string certificate;
  std::string key;
};

/// Letters, digits, '.', '_' and '-', at most 63, starting with a letter or digit: safe as a DNS
/// name and as a file name. "ca" is taken.
bool valid_node_name(std::string_view name);

class cluster_ca {
public:
  /// Makes a CA and writes it. ec::already_exists if there is one: a new CA orphans every node.
  static result<cluster_ca> create(const std::string& folder, const std::string& cluster);

  /// ec::not_found, ec::io_error, or ec::damaged if key and certificate do not fit.
  static result<cluster_ca> load(const std::string& folder);

  /// A new key and certificate for `name`; nothing is written.
  result<bundle> issue(const node_id& name) const;

  /// Issues the bundle of `name` and writes it beside the CA, replacing an older one whole.
  result<void> write_bundle(const node_id& name) const;

  cluster_ca(cluster_ca&&) noexcept;
  cluster_ca& operator=(cluster_ca&&) noexcept;
  ~cluster_ca();

private:
  struct parts;
  explicit cluster_ca(std::unique_ptr<parts> from);
  std::unique_ptr<parts> parts_;
};

/// Reads FOLDER/NAME/*.pem and checks it: chain, name, key. ec::not_found, ec::io_error,
/// ec::damaged.
result<bundle> load_bundle(const std::string& folder, const node_id& name);

/// The one DNS name of a certificate; ec::bad_message if it has none, several, or cannot be read.
/// Says nothing about who issued it.
result<node_id> certificate_name(std::string_view certificate_der);

/// Signs with the bundle's key, verifies against its CA. ec::damaged if the bundle does not fit.
result<std::shared_ptr<links::identity>> make_identity(const bundle& from);

}  // namespace dunlin::crypto
