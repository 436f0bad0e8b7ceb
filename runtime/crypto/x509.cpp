#include "runtime/crypto/x509.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace dunlin::crypto {

namespace {

using bio_ptr = std::unique_ptr<BIO, freed_by<&BIO_free>>;
using names_ptr = std::unique_ptr<GENERAL_NAMES, freed_by<&GENERAL_NAMES_free>>;
using store_ptr = std::unique_ptr<X509_STORE, freed_by<&X509_STORE_free>>;
using store_context_ptr = std::unique_ptr<X509_STORE_CTX, freed_by<&X509_STORE_CTX_free>>;

// A cluster outlives any yearly routine, and an expired CA stops it whole; revoking a node is
// taking it out of the topology.
constexpr long valid_seconds = 30L * 365 * 24 * 3600;
// Clocks of fresh machines are behind.
constexpr long early_seconds = 48L * 3600;

bio_ptr reading(std::string_view bytes) {
  return bio_ptr{BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))};
}

template <class Write>
std::string written(Write write) {
  const bio_ptr bio{BIO_new(BIO_s_mem())};
  DUNLIN_ASSERT(bio != nullptr && write(bio.get()) == 1);
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, freed_by<&X509_EXTENSION_free>> extension{
      X509V3_EXT_conf_nid(nullptr, &context, kind, value)};
  DUNLIN_ASSERT(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

// Not through the text form above: there a comma in a name would start another name.
void add_dns_name(X509* certificate, const std::string& name) {
  const names_ptr names{GENERAL_NAMES_new()};
  auto* text = ASN1_IA5STRING_new();
  DUNLIN_ASSERT(ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) == 1);
  auto* entry = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(entry, GEN_DNS, text);
  DUNLIN_ASSERT(sk_GENERAL_NAME_push(names.get(), entry) > 0);
  DUNLIN_ASSERT(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1);
}

void set_serial(X509* certificate) {
  unsigned char bytes[16];
  DUNLIN_ASSERT(RAND_bytes(bytes, sizeof bytes) == 1);
  bytes[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, freed_by<&BN_free>> number{BN_bin2bn(bytes, sizeof bytes, nullptr)};
  DUNLIN_ASSERT(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

}  // namespace

key_ptr make_key() {
  key_ptr key{EVP_EC_gen("P-256")};
  DUNLIN_ASSERT(key != nullptr);
  return key;
}

certificate_ptr make_certificate(const certificate_request& wish, EVP_PKEY* key, X509* issuer,
                                 EVP_PKEY* issuer_key) {
  certificate_ptr made{X509_new()};
  auto* certificate = made.get();
  DUNLIN_ASSERT(X509_set_version(certificate, X509_VERSION_3) == 1);
  set_serial(certificate);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -early_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), valid_seconds);
  auto* subject = X509_get_subject_name(certificate);
  const auto* common_name = reinterpret_cast<const unsigned char*>(wish.common_name.data());
  DUNLIN_ASSERT(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, common_name,
                                           static_cast<int>(wish.common_name.size()), -1, 0) == 1);
  if (issuer == nullptr) issuer = certificate;
  DUNLIN_ASSERT(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
  DUNLIN_ASSERT(X509_set_pubkey(certificate, key) == 1);
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
  if (wish.authority) {
    add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature");
    add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
    add_dns_name(certificate, wish.common_name);
  }
  DUNLIN_ASSERT(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
  return made;
}

std::string to_pem(EVP_PKEY* key) {
  return written([&](BIO* to) {
    return PEM_write_bio_PKCS8PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string to_pem(X509* certificate) {
  return written([&](BIO* to) { return PEM_write_bio_X509(to, certificate); });
}

std::string to_der(X509* certificate) {
  return written([&](BIO* to) { return i2d_X509_bio(to, certificate); });
}

// OpenSSL's error queue is per thread: what is left in it would be blamed on the next TLS call.
key_ptr key_of(std::string_view pem) {
  key_ptr key{PEM_read_bio_PrivateKey(reading(pem).get(), nullptr, nullptr, nullptr)};
  ERR_clear_error();
  return key;
}

certificate_ptr certificate_of_pem(std::string_view pem) {
  certificate_ptr certificate{PEM_read_bio_X509(reading(pem).get(), nullptr, nullptr, nullptr)};
  ERR_clear_error();
  return certificate;
}

certificate_ptr certificate_of_der(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  certificate_ptr certificate{d2i_X509(nullptr, &bytes, static_cast<long>(der.size()))};
  ERR_clear_error();
  return certificate;
}

result<node_id> name_of(X509* certificate) {
  const names_ptr names{static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  ERR_clear_error();
  if (names == nullptr || sk_GENERAL_NAME_num(names.get()) != 1) return ec::bad_message;
  int kind = 0;
  const auto* value = static_cast<ASN1_STRING*>(
      GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), 0), &kind));
  if (kind != GEN_DNS) return ec::bad_message;
  return node_id(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                 static_cast<std::size_t>(ASN1_STRING_length(value)));
}

bool issued_by(X509* certificate, X509* authority) {
  const store_ptr store{X509_STORE_new()};
  const store_context_ptr context{X509_STORE_CTX_new()};
  DUNLIN_ASSERT(X509_STORE_add_cert(store.get(), authority) == 1);
  DUNLIN_ASSERT(X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr) == 1);
  const auto good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace dunlin::crypto
