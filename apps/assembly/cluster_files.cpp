#include "apps/assembly/cluster_files.hpp"

#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/crypto/pem_files.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace dunlin::assembly {

namespace fs = std::filesystem;

namespace {

/// Alphabets of 32 and 64: a random byte, cut to its low bits, is still uniform.
std::string spell(random_source& random, std::size_t length, std::string_view alphabet) {
  auto bytes = random.bytes(length);
  for (auto& c : bytes)
    c = alphabet[static_cast<unsigned char>(c) & (alphabet.size() - 1)];
  return bytes;
}

constexpr std::string_view base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view url64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool there(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string fail(std::string_view what, const std::string& path, ec code) {
  return fmt::format("cannot {} {}: {}; may you write there, and is there room?", what, path,
                     to_string(code));
}

/// Writes a secret unless it is there.
bool make_secret(const std::string& path, const std::string& text, init_outcome& outcome) {
  if (there(path)) return true;
  if (const auto wrote = crypto::write_secret_file(path, text); !wrote) {
    outcome.error = fail("write", path, wrote.error());
    return false;
  }
  outcome.made.push_back(path);
  return true;
}

bool make_bundles(const topology::cluster& of, init_outcome& outcome) {
  const auto folder = tls_folder(of);
  std::vector<node_id> lacking;
  for (const auto& node : of.nodes)
    if (!crypto::load_bundle(folder, node.name)) lacking.push_back(node.name);
  if (lacking.empty()) return true;  // on a node of many machines the CA's key is not at hand
  auto ca = crypto::cluster_ca::load(folder);
  if (!ca && ca.error() == ec::not_found && lacking.size() < of.nodes.size()) {
    // A second CA beside bundles of the first would split the cluster.
    outcome.error = fmt::format(
        "{}/ca is not here, so no bundle can be made for node {}; run init where the CA's key is, "
        "and copy the bundle",
        folder, lacking.front());
    return false;
  }
  if (!ca && ca.error() == ec::not_found) {
    ca = crypto::cluster_ca::create(folder, of.options.name);
    if (ca) outcome.made.push_back(folder + "/ca");
  }
  if (!ca) {
    outcome.error = fail("make the CA in", folder + "/ca", ca.error());
    return false;
  }
  for (const auto& name : lacking) {
    // A bundle that is there but does not fit is somebody's: it is shown, not replaced.
    if (there(folder + "/" + name)) {
      outcome.error = fmt::format(
          "the bundle in {}/{} is incomplete or not of this CA; remove it, then init again", folder,
          name);
      return false;
    }
    if (const auto wrote = ca->write_bundle(name); !wrote) {
      outcome.error = fail("write the bundle", folder + "/" + name, wrote.error());
      return false;
    }
    outcome.made.push_back(folder + "/" + name);
  }
  return true;
}

}  // namespace

std::string tls_folder(const topology::cluster& of) { return of.options.folder + "/tls"; }
std::string credentials_file(const topology::cluster& of) {
  return of.options.folder + "/credentials";
}
std::string token_file(const topology::cluster& of) { return of.options.folder + "/admin-token"; }
std::string run_folder(const topology::cluster& of) { return of.options.folder + "/run"; }
std::string log_file(const topology::node& of) { return of.folder + "/log"; }

credentials make_credentials(random_source& random) {
  return {spell(random, 20, base32), spell(random, 40, url64)};
}

std::string make_token(random_source& random) { return spell(random, 43, url64); }

std::string render(const credentials& keys) {
  return fmt::format("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
                     keys.access_key, keys.secret_key);
}

result<credentials> parse_credentials(std::string_view text) {
  credentials keys;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto equals = line.find('=');
    if (equals == line.npos) continue;
    const auto key = trim(line.substr(0, equals));
    const auto value = std::string(trim(line.substr(equals + 1)));
    if (key == "aws_access_key_id") keys.access_key = value;
    if (key == "aws_secret_access_key") keys.secret_key = value;
  }
  if (keys.access_key.empty() || keys.secret_key.empty()) return ec::damaged;
  return keys;
}

result<credentials> read_credentials(const topology::cluster& of) {
  const auto text = crypto::read_secret_file(credentials_file(of));
  if (!text) return text.error();
  return parse_credentials(*text);
}

result<std::string> read_token(const topology::cluster& of) {
  const auto text = crypto::read_secret_file(token_file(of));
  if (!text) return text.error();
  const auto token = std::string(trim(*text));
  if (token.empty()) return ec::damaged;
  return token;
}

init_outcome init_cluster(const topology::cluster& of, random_source& random) {
  init_outcome outcome;
  if (make_bundles(of, outcome) &&
      make_secret(credentials_file(of), render(make_credentials(random)), outcome))
    make_secret(token_file(of), make_token(random) + "\n", outcome);
  return outcome;
}

}  // namespace dunlin::assembly
