/// SIMULATED IDENTITY: a cluster's authority is a shared secret, a certificate is a name under it.
/// Same refusals as the real one, none of its strength.
#pragma once

#include "runtime/links/identity.hpp"

namespace dunlin::simulation {

class sim_identity final : public links::identity {
public:
  sim_identity(std::string authority, node_id node)
      : authority_{std::move(authority)}, node_{std::move(node)} {}

  std::string certificate() const override { return certificate_of(node_); }

  std::string sign(std::string_view bytes) override { return seal(node_, bytes); }

  result<void> verify(std::string_view certificate, const node_id& name, std::string_view bytes,
                      std::string_view signature) const override {
    if (certificate != certificate_of(name) || signature != seal(name, bytes)) return ec::refused;
    return {};
  }

private:
  std::string certificate_of(const node_id& name) const {
    return name + " is " + seal(name, "certificate");
  }

  /// FNV-1a: the same on every machine.
  std::string seal(const node_id& name, std::string_view bytes) const {
    auto hash = 0xcbf29ce484222325ull;
    for (const auto part : {std::string_view{authority_}, std::string_view{name}, bytes}) {
      for (const unsigned char c : part)
        hash = (hash ^ c) * 0x100000001b3ull;
      hash = (hash ^ 0xff) * 0x100000001b3ull;
    }
    return std::to_string(hash);
  }

  std::string authority_;
  node_id node_;
};

}  // namespace dunlin::simulation
