#include "runtime/sockets/tls_session.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <new>
#include <utility>

namespace dunlin::sockets {

namespace {

using output_state = tls_session::output_state;

int take_record(BIO* output, const char* from, std::size_t size, std::size_t* taken) {
  auto& state = *static_cast<output_state*>(BIO_get_data(output));
  const auto record = std::string_view{from, size};
  try {
    if (state.sink != nullptr)
      (*state.sink)(record);
    else
      state.kept += record;
  } catch (const std::bad_alloc&) {  // not through C
    return -1;
  }
  *taken = size;
  return 1;
}

long control(BIO* /*output*/, int what, long /*number*/, void* /*other*/) {
  return what == BIO_CTRL_FLUSH ? 1 : 0;
}

/// Hands on what is written to it, instead of keeping it in memory as BIO_s_mem() does: long
/// answers would be copied twice more.
const BIO_METHOD* output_method() {
  static const auto method = [] {
    auto made = std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)>{
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "session output"), &BIO_meth_free};
    if (!made) throw std::bad_alloc{};
    BIO_meth_set_write_ex(made.get(), take_record);
    BIO_meth_set_ctrl(made.get(), control);
    return made;
  }();
  return method.get();
}

}  // namespace

void tls_session::free_ssl::operator()(SSL* one) const { SSL_free(one); }

tls_session::tls_session(tls_context context, bool as_server)
    : context_(std::move(context)), ssl_(SSL_new(context_->native_handle())) {
  auto* input = BIO_new(BIO_s_mem());
  auto* output = BIO_new(output_method());
  if (!ssl_ || input == nullptr || output == nullptr) throw std::bad_alloc{};
  BIO_set_data(output, &output_);
  BIO_set_init(output, 1);
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

bool tls_session::write(const void* from, std::size_t size, const sink& to) {
  if (to && !output_.kept.empty()) to(std::exchange(output_.kept, {}));
  if (size == 0) return true;
  ERR_clear_error();
  std::size_t bytes = 0;
  output_.sink = to ? &to : nullptr;
  const auto written = SSL_write_ex(ssl_.get(), from, size, &bytes);
  output_.sink = nullptr;
  return written == 1 && bytes == size;
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

void tls_session::take_output(std::string& to) { to += std::exchange(output_.kept, {}); }

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
