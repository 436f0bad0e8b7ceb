/// STUBS: actors with a role's own typed handle that carry its messages elsewhere: over a link, or
/// to whatever is served on this node at the time of each message.
#pragma once

#include "runtime/links/dispatch.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

namespace dunlin::links::detail {

/// The trace id of a message or of what it wraps; empty if it carries none (decision 22).
template <class Message>
std::string trace_of(const Message& message) {
  if constexpr (requires { message.trace_id(); })
    return message.trace_id();
  else if constexpr (requires { message.command().trace_id(); })
    return message.command().trace_id();
  else if constexpr (requires { message.query().trace_id(); })
    return message.query().trace_id();
  else
    return {};
}

struct remote_role {
  link_actor link;
  std::string role;
  std::uint64_t instance = 0;
  std::chrono::milliseconds
      timeout{};  ///< the link's own deadlines end calls; this guards its death
};

template <class Out, class Message>
Out encode(const remote_role& to, const Message& message) {
  return Out{
      {to.role, to.instance, name_of<Message>(), message.SerializeAsString(), trace_of(message)}};
}

template <class Self, class Request>
auto remote_handler(Self self, const remote_role& to,
                    caf::typed_mpi<caf::detail::type_list<Request>, caf::output_tuple<void>>) {
  return [self, to](const Request& message) {
    self->send(to.link, encode<outgoing_note>(to, message));
  };
}

template <class Self, class Request, class Answer>
auto remote_handler(Self self, const remote_role& to,
                    caf::typed_mpi<caf::detail::type_list<Request>, caf::output_tuple<Answer>>) {
  return [self, to](const Request& message) {
    auto promise = self->template make_response_promise<Answer>();
    self->request(to.link, to.timeout, encode<outgoing_call>(to, message))
        .then(
            [promise](const call_answer& bytes) mutable {
              Answer answer;
              if (bytes.message == name_of<Answer>() && answer.ParseFromString(bytes.payload))
                promise.deliver(std::move(answer));
              else
                promise.deliver(make_error(ec::bad_message, "the answer cannot be parsed"));
            },
            [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
    return promise;
  };
}

/// Behaviour of the stub of a role on a peer.
template <class Role, class... Signatures>
typename Role::behavior_type remote_stub(typename Role::pointer self, const remote_role& to,
                                         caf::detail::type_list<Signatures...>) {
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->monitor(to.link);
  return {remote_handler(self, to, Signatures{})...};
}

template <class Role>
using find_role = std::function<Role()>;  ///< null: not served now

template <class Role, class Request>
auto local_handler(typename Role::pointer self, const find_role<Role>& find,
                   caf::typed_mpi<caf::detail::type_list<Request>, caf::output_tuple<void>>) {
  return [self, find](const Request& message) {
    if (auto role = find()) self->send(role, message);
  };
}

template <class Role, class Request, class Answer>
auto local_handler(typename Role::pointer self, const find_role<Role>& find,
                   caf::typed_mpi<caf::detail::type_list<Request>, caf::output_tuple<Answer>>) {
  return [self, find](const Request& message) -> caf::result<Answer> {
    if (auto role = find()) return self->delegate(role, message);
    return make_error(ec::unavailable, "the role is not running");
  };
}

/// Behaviour of the stub of a role of this node that was not served when it was asked for.
template <class Role, class... Signatures>
typename Role::behavior_type local_stub(typename Role::pointer self, const find_role<Role>& find,
                                        caf::detail::type_list<Signatures...>) {
  return {local_handler<Role>(self, find, Signatures{})...};
}

}  // namespace dunlin::links::detail
