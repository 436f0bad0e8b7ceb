#include "runtime/sockets/tls_session.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <new>

namespace dunlin::sockets {

void tls_session::free_ssl::operator()(SSL* one) const { SSL_free(one); }

tls_session::tls_session(tls_context context, bool as_server)
    : context_(std::move(context)), ssl_(SSL_new(context_->native_handle())) {
  auto* input = BIO_new(BIO_s_mem());
  auto* output = BIO_new(BIO_s_mem());
  if (!ssl_ || input == nullptr || output == nullptr) throw std::bad_alloc{};
  SSL_set_bio(ssl_.get(), input, output);  // which owns them now
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  if (as_server)
    SSL_set_accept_state(ssl_.get());
  else
    SSL_set_connect_state(ssl_.get());
}

// Output never waits for room, so the only thing that can be missing is input.
tls_session::state tls_session::state_after(int outcome) {
  if (outcome > 0) return state::done;
  const auto why = SSL_get_error(ssl_.get(), outcome);
  return why == SSL_ERROR_WANT_READ ? state::wants_more : state::broken;
}

tls_session::state tls_session::handshake() {
  ERR_clear_error();  // the thread's, which SSL_get_error looks at
  return state_after(SSL_do_handshake(ssl_.get()));
}

tls_session::state tls_session::read(char* to, std::size_t size, std::size_t& bytes) {
  ERR_clear_error();
  bytes = 0;
  return state_after(SSL_read_ex(ssl_.get(), to, size, &bytes));
}

bool tls_session::write(const void* from, std::size_t size) {
  if (size == 0) return true;
  ERR_clear_error();
  std::size_t bytes = 0;
  return SSL_write_ex(ssl_.get(), from, size, &bytes) == 1 && bytes == size;
}

bool tls_session::readable() {
  ERR_clear_error();
  char byte = 0;
  return SSL_pending(ssl_.get()) > 0 || SSL_peek(ssl_.get(), &byte, 1) > 0;
}

bool tls_session::peer_has_ended() const {
  return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void tls_session::end() {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());  // in mid-handshake it says nothing, and there is nothing to say
}

void tls_session::add_input(const char* from, std::size_t size) {
  std::size_t bytes = 0;
  // Memory takes all of it or there is none left.
  if (BIO_write_ex(SSL_get_rbio(ssl_.get()), from, size, &bytes) != 1 || bytes != size)
    throw std::bad_alloc{};
}

void tls_session::take_output(std::string& to) {
  auto* output = SSL_get_wbio(ssl_.get());
  const auto before = to.size();
  const auto waiting = BIO_ctrl_pending(output);
  to.resize(before + waiting);
  std::size_t bytes = 0;
  if (waiting > 0) BIO_read_ex(output, to.data() + before, waiting, &bytes);
  to.resize(before + bytes);
}

std::string tls_session::peer_certificate() const {
  std::unique_ptr<X509, decltype(&X509_free)> certificate{SSL_get1_peer_certificate(ssl_.get()),
                                                          &X509_free};
  if (!certificate) return {};
  const auto size = i2d_X509(certificate.get(), nullptr);
  if (size <= 0) return {};
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* target = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate.get(), &target);
  return der;
}

}  // namespace dunlin::sockets
