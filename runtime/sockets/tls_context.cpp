#include "runtime/sockets/tls_context.hpp"

#include <openssl/ssl.h>
#include <boost/asio/buffer.hpp>

namespace dunlin::sockets {

namespace ssl = boost::asio::ssl;

result<tls_context> peer_context(const crypto::bundle& identity) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  auto* native = context->native_handle();
  if (SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION) != 1) return ec::damaged;
  // No session is ever resumed; a ticket would lie unread in a pooled connection.
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  boost::system::error_code error;
  context->use_certificate(boost::asio::buffer(identity.certificate), ssl::context::pem, error);
  if (!error) context->use_private_key(boost::asio::buffer(identity.key), ssl::context::pem, error);
  if (!error) context->add_certificate_authority(boost::asio::buffer(identity.ca), error);
  if (!error) context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
  if (error || SSL_CTX_check_private_key(native) != 1) return ec::damaged;
  return context;
}

result<tls_context> server_context(const std::string& certificate_file,
                                   const std::string& key_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1)
    return ec::invalid_argument;
  boost::system::error_code error;
  context->set_options(ssl::context::no_compression | SSL_OP_NO_RENEGOTIATION, error);
  if (!error) context->use_certificate_chain_file(certificate_file, error);
  if (!error) context->use_private_key_file(key_file, ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(context->native_handle()) != 1)
    return ec::invalid_argument;
  return context;
}

}  // namespace dunlin::sockets
