/// The words that every part of Dunlin shares. No CAF, no Protobuf: pure cores may include it.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dunlin {

/// A node's name, as in the topology file. Unique in the cluster for ever.
using node_id = std::string;

/// Of a partition; 0 is the root partition (decision 11).
using partition_id = std::uint32_t;

/// Bytes that several actors hold at once; never changed after they are shared.
using buffer = std::shared_ptr<const std::string>;

/// How the world says no. The numbers cross nodes: append only.
enum class ec : std::uint8_t {
  not_leader = 1,       ///< ask the leader that the detail names, if it names one
  unavailable = 2,      ///< no leader, no quorum or no route now; retry later
  timed_out = 3,        ///< outcome unknown
  overloaded = 4,       ///< a bound is reached; back off
  peer_lost = 5,        ///< the connection ended with the call in flight; outcome unknown
  unknown_outcome = 6,  ///< a retry that can no longer be recognised
  not_found = 7,
  already_exists = 8,
  invalid_argument = 9,
  damaged = 10,  ///< a checksum does not match
  io_error = 11,
  disk_full = 12,
  refused = 13,  ///< the peer may not do this
  unsupported = 14,
  bad_message = 15,  ///< cannot be parsed, or contradicts itself
  stopping = 16,
  stale = 17,  ///< an older term, incarnation, epoch or tick
  closed = 18,
};

std::string_view to_string(ec code) noexcept;

/// For boost::system::result::value(), which throws instead of returning nonsense.
[[noreturn]] inline void throw_exception_from_error(ec code, const boost::source_location&) {
  throw std::runtime_error(std::string(to_string(code)));
}

template <class T>
using result = boost::system::result<T, ec>;

/// Stops the process with file and line: going on would corrupt. On in release builds.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace dunlin

#define DUNLIN_ASSERT(expression) \
  ((expression) ? void(0) : ::dunlin::assertion_failed(#expression, __FILE__, __LINE__))
