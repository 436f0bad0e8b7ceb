/// BALANCE STATUS: what a node's admin listener answers to GET /balance: who places connections
/// here and who takes them, and with which settings (docs/decisions/0015). Shared by the node and
/// the command line. Members of "admission" and "balancer" are those of AdmissionStatus and
/// BalancerStatus in messages/dunlin/v1/balance.proto.
/// {"name","settings":{"version","known","changes":"…","in_use":"…","mistakes":"…"}|null,
///  "admission":{…}|null,"balancer":{…}|null}
#pragma once

#include "messages/dunlin/v1/balance.pb.h"
#include "messages/vocabulary.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::assembly {

struct balance_settings_status {
  std::uint64_t version = 0;  ///< in use; 0: the topology file's
  std::uint64_t known = 0;    ///< the cluster's, as far as the node knows
  std::string changes;        ///< what the cluster says over the file, as TOML
  std::string in_use;         ///< every key, as TOML
  std::string mistakes;       ///< why `known` is not in use
};

struct balance_status {
  node_id name;
  std::optional<balance_settings_status> settings;  ///< none: the node has nothing to do with it
  std::optional<v1::AdmissionStatus> admission;     ///< of an access node that takes legs
  std::optional<v1::BalancerStatus> balancer;
};

std::string to_json(const balance_status& status);

/// ec::bad_message if it is no such JSON; unknown members are passed over, missing ones are empty.
result<balance_status> parse_balance_status(std::string_view json);

/// What POST /balance is answered with: {"name","version","changes"}.
struct balance_change_status {
  node_id name;
  std::uint64_t version = 0;  ///< that the cluster has now
  std::string changes;
};

std::string to_json(const balance_change_status& status);
result<balance_change_status> parse_balance_change_status(std::string_view json);

}  // namespace dunlin::assembly
