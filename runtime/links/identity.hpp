/// IDENTITY: the port through which a link actor proves who its node is and checks who the other is
/// (decision 20). Real: runtime/crypto/cluster_ca (key, certificate, CA). Simulated: a shared
/// secret.
#pragma once

#include "messages/vocabulary.hpp"

#include <string>
#include <string_view>

namespace dunlin::links {

/// Thread safe.
class identity {
public:
  virtual ~identity() = default;

  /// This node's certificate, DER; goes into the hello.
  virtual std::string certificate() const = 0;

  /// This node's signature over `bytes`.
  virtual std::string sign(std::string_view bytes) = 0;

  /// Checks that the certificate comes from this cluster's CA, names exactly `name`, and that its
  /// key made `signature` over `bytes`. ec::refused if not, ec::bad_message if it cannot be read.
  virtual result<void> verify(std::string_view certificate_der, const node_id& name,
                              std::string_view bytes, std::string_view signature) const = 0;
};

}  // namespace dunlin::links
