#include "messages/error.hpp"

#include <caf/atom.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_message.hpp>
#include <caf/sec.hpp>

namespace dunlin {

static const auto category = caf::atom("dunlin");

caf::error make_error(ec code, std::string detail) {
  return caf::error{static_cast<std::uint8_t>(code), category,
                    caf::make_message(std::move(detail))};
}

ec code_of(const caf::error& error) {
  DUNLIN_ASSERT(error);
  if (error.category() == category) return static_cast<ec>(error.code());
  if (error == caf::sec::request_timeout) return ec::timed_out;
  if (error == caf::sec::request_receiver_down) return ec::peer_lost;
  return ec::unavailable;
}

std::string detail_of(const caf::error& error) {
  if (error && error.category() == category && error.context().match_elements<std::string>())
    return error.context().get_as<std::string>(0);
  return {};
}

std::string render(const caf::error& error) {
  if (!error) return "no error";
  if (error.category() != category)
    return caf::to_string(error.category()) + " " + std::to_string(error.code());
  auto text = std::string(to_string(static_cast<ec>(error.code())));
  if (auto detail = detail_of(error); !detail.empty()) text += ": " + detail;
  return text;
}

}  // namespace dunlin
