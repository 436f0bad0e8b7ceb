/// TLS settings, made once a port. TLS 1.3 only between nodes; 1.2 and up for clients.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/crypto/cluster_ca.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace dunlin::sockets {

using tls_context = std::shared_ptr<boost::asio::ssl::context>;

/// Both sides show certificates of the cluster's CA. ec::damaged if the bundle cannot be used.
result<tls_context> peer_context(const crypto::bundle& identity);

/// Shows a certificate to clients, asks for none. ec::invalid_argument if the files cannot be used.
result<tls_context> server_context(const std::string& certificate_file,
                                   const std::string& key_file);

}  // namespace dunlin::sockets
