/// ASK: a request between actors whose timeout ends with its answer. CAF 0.17 keeps it otherwise,
/// and with it the actor that asked, until it is due: memory that grows with the rate of requests.
#pragma once

#include <caf/actor_clock.hpp>
#include <caf/detail/type_list.hpp>
#include <caf/detail/type_traits.hpp>
#include <caf/error.hpp>

#include <type_traits>
#include <utility>

namespace dunlin {

/// As self->request(to, timeout, what).then(done, failed).
template <class Self, class Handle, class Timeout, class Request, class Done, class Failed>
void ask(Self* self, const Handle& to, Timeout timeout, Request&& what, Done done, Failed failed) {
  using arguments = typename caf::detail::get_callable_trait<Done>::arg_types;
  using answer_type = std::decay_t<typename caf::detail::tl_head<arguments>::type>;
  auto answer = self->request(to, timeout, std::forward<Request>(what));
  const auto id = answer.id();
  answer.then(
      [self, id, done = std::move(done)](const answer_type& said) mutable {
        self->clock().cancel_request_timeout(self, id);
        done(said);
      },
      [self, id, failed = std::move(failed)](caf::error& why) mutable {
        self->clock().cancel_request_timeout(self, id);
        failed(why);
      });
}

}  // namespace dunlin
