#include "runtime/crypto/cluster_ca.hpp"

#include "runtime/crypto/pem_files.hpp"
#include "runtime/crypto/x509.hpp"

#include <openssl/err.h>

#include <algorithm>

namespace dunlin::crypto {

struct cluster_ca::parts {
  std::string folder;
  key_ptr key;
  certificate_ptr certificate;
};

namespace {

using signing_ptr = std::unique_ptr<EVP_MD_CTX, freed_by<&EVP_MD_CTX_free>>;

class bundle_identity final : public links::identity {
public:
  bundle_identity(certificate_ptr ca, certificate_ptr own, key_ptr key)
      : ca_(std::move(ca)), own_der_(to_der(own.get())), key_(std::move(key)) {}

  std::string certificate() const override { return own_der_; }

  std::string sign(std::string_view bytes) override {
    const signing_ptr signing{EVP_MD_CTX_new()};
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    DUNLIN_ASSERT(EVP_DigestSignInit(signing.get(), nullptr, EVP_sha256(), nullptr, key_.get()) ==
                  1);
    std::size_t size = 0;
    DUNLIN_ASSERT(EVP_DigestSign(signing.get(), nullptr, &size, data, bytes.size()) == 1);
    std::string signature(size, '\0');
    auto* target = reinterpret_cast<unsigned char*>(signature.data());
    DUNLIN_ASSERT(EVP_DigestSign(signing.get(), target, &size, data, bytes.size()) == 1);
    signature.resize(size);
    return signature;
  }

  result<void> verify(std::string_view certificate_der, const node_id& name, std::string_view bytes,
                      std::string_view signature) const override {
    const auto certificate = certificate_of_der(certificate_der);
    if (certificate == nullptr) return ec::bad_message;
    const auto named = name_of(certificate.get());
    if (!named) return named.error();
    if (*named != name || !issued_by(certificate.get(), ca_.get())) return ec::refused;
    const signing_ptr checking{EVP_MD_CTX_new()};
    const auto good =
        EVP_DigestVerifyInit(checking.get(), nullptr, EVP_sha256(), nullptr,
                             X509_get0_pubkey(certificate.get())) == 1 &&
        EVP_DigestVerify(checking.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                         signature.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                         bytes.size()) == 1;
    ERR_clear_error();
    if (!good) return ec::refused;
    return {};
  }

private:
  certificate_ptr ca_;
  std::string own_der_;
  key_ptr key_;
};

}  // namespace

bool valid_node_name(std::string_view name) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= 63 && name != "ca" && alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

cluster_ca::cluster_ca(std::unique_ptr<parts> from) : parts_(std::move(from)) {}
cluster_ca::cluster_ca(cluster_ca&&) noexcept = default;
cluster_ca& cluster_ca::operator=(cluster_ca&&) noexcept = default;
cluster_ca::~cluster_ca() = default;

result<cluster_ca> cluster_ca::create(const std::string& folder, const std::string& cluster) {
  const auto key_path = folder + "/ca/key.pem";
  const auto present = read_secret_file(key_path);
  if (present || present.error() != ec::not_found) return ec::already_exists;
  auto made = std::make_unique<parts>();
  made->folder = folder;
  made->key = make_key();
  // X.509 allows a common name of 64 characters; the name is for people only.
  const auto common_name = ("dunlin " + cluster).substr(0, 64);
  made->certificate =
      make_certificate({common_name, true}, made->key.get(), nullptr, made->key.get());
  // The key last: a CA is there when its key is.
  auto done = write_secret_file(folder + "/ca/certificate.pem", to_pem(made->certificate.get()));
  if (done) done = write_secret_file(key_path, to_pem(made->key.get()));
  if (!done) return done.error();
  return cluster_ca{std::move(made)};
}

result<cluster_ca> cluster_ca::load(const std::string& folder) {
  const auto key = read_secret_file(folder + "/ca/key.pem");
  if (!key) return key.error();
  const auto certificate = read_secret_file(folder + "/ca/certificate.pem");
  if (!certificate) return certificate.error();
  auto read = std::make_unique<parts>();
  read->folder = folder;
  read->key = key_of(*key);
  read->certificate = certificate_of_pem(*certificate);
  if (!read->key || !read->certificate) return ec::damaged;
  if (X509_check_private_key(read->certificate.get(), read->key.get()) != 1) return ec::damaged;
  return cluster_ca{std::move(read)};
}

result<bundle> cluster_ca::issue(const node_id& name) const {
  if (!valid_node_name(name)) return ec::invalid_argument;
  const auto key = make_key();
  const auto certificate =
      make_certificate({name, false}, key.get(), parts_->certificate.get(), parts_->key.get());
  return bundle{to_pem(parts_->certificate.get()), to_pem(certificate.get()), to_pem(key.get())};
}

result<void> cluster_ca::write_bundle(const node_id& name) const {
  const auto made = issue(name);
  if (!made) return made.error();
  const auto folder = parts_->folder + "/" + name;
  auto done = write_secret_file(folder + "/ca.pem", made->ca);
  if (done) done = write_secret_file(folder + "/key.pem", made->key);
  if (done) done = write_secret_file(folder + "/certificate.pem", made->certificate);
  return done;
}

result<bundle> load_bundle(const std::string& folder, const node_id& name) {
  if (!valid_node_name(name)) return ec::invalid_argument;
  bundle read;
  for (auto [part, file] : {std::pair{&read.ca, "/ca.pem"},
                            {&read.certificate, "/certificate.pem"},
                            {&read.key, "/key.pem"}}) {
    auto bytes = read_secret_file(folder + "/" + name + file);
    if (!bytes) return bytes.error();
    *part = std::move(*bytes);
  }
  const auto whole = make_identity(read);
  if (!whole) return whole.error();
  const auto named = certificate_name((*whole)->certificate());
  if (!named || *named != name) return ec::damaged;
  return read;
}

result<node_id> certificate_name(std::string_view certificate_der) {
  const auto certificate = certificate_of_der(certificate_der);
  if (certificate == nullptr) return ec::bad_message;
  return name_of(certificate.get());
}

result<std::shared_ptr<links::identity>> make_identity(const bundle& from) {
  auto ca = certificate_of_pem(from.ca);
  auto own = certificate_of_pem(from.certificate);
  auto key = key_of(from.key);
  if (!ca || !own || !key) return ec::damaged;
  const auto fits =
      X509_check_private_key(own.get(), key.get()) == 1 && issued_by(own.get(), ca.get());
  ERR_clear_error();
  if (!fits) return ec::damaged;
  return std::shared_ptr<links::identity>(
      std::make_shared<bundle_identity>(std::move(ca), std::move(own), std::move(key)));
}

}  // namespace dunlin::crypto
