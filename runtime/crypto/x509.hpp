/// OpenSSL's keys and certificates in owning pointers; private to this folder.
#pragma once

#include "messages/vocabulary.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace dunlin::crypto {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* of) const {
    Free(of);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<&EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<&X509_free>>;

key_ptr make_key();

struct certificate_request {
  std::string common_name;
  bool authority = false;
};
/// Signed by `issuer_key`; a null `issuer` makes it self-signed.
certificate_ptr make_certificate(const certificate_request& wish, EVP_PKEY* key, X509* issuer,
                                 EVP_PKEY* issuer_key);

std::string to_pem(EVP_PKEY* key);
std::string to_pem(X509* certificate);
std::string to_der(X509* certificate);
/// Null if unreadable.
key_ptr key_of(std::string_view pem);
certificate_ptr certificate_of_pem(std::string_view pem);
certificate_ptr certificate_of_der(std::string_view der);

/// The one DNS name, or ec::bad_message.
result<node_id> name_of(X509* certificate);

/// Chain and validity in time.
bool issued_by(X509* certificate, X509* authority);

}  // namespace dunlin::crypto
