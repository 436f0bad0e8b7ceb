/// STUBS: a role's own typed handle whose messages are carried elsewhere: over a link, or to
/// whatever is served on this node at the time of each message.
#pragma once

#include "runtime/links/dispatch.hpp"

#include <caf/actor_config.hpp>
#include <caf/actor_proxy.hpp>
#include <caf/actor_system.hpp>
#include <caf/detail/sync_request_bouncer.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <vector>

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
};

template <class Out, class Message>
Out encode(const remote_role& to, const Message& message) {
  Out out;
  out.role = to.role;
  out.instance = to.instance;
  out.message = name_of<Message>();
  out.payload = message.SerializeAsString();
  out.trace_id = trace_of(message);
  return out;
}

/// The role's own answer from what the peer said; an error if it cannot be parsed.
template <class Answer>
caf::message read_answer(std::string_view name, const std::string& payload) {
  Answer answer;
  if (name == name_of<Answer>() && answer.ParseFromString(payload))
    return caf::make_message(std::move(answer));
  return caf::make_message(make_error(ec::bad_message, "the answer cannot be parsed"));
}

/// A stub of a role on a peer: no actor of its own, since a turn for each message and each answer
/// would double what a remote call costs. Encodes in the sender's thread and hands on to the link,
/// which answers the sender itself.
class remote_stub final : public caf::actor_proxy {
public:
  /// False: the message is another one.
  using handler = bool (*)(const remote_role& to, caf::mailbox_element& what,
                           caf::execution_unit* context);

  remote_stub(caf::actor_config& config, remote_role to, std::vector<handler> handlers)
      : caf::actor_proxy{config}, to_{std::move(to)}, handlers_{std::move(handlers)} {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* context) override {
    for (const auto one : handlers_)
      if (one(to_, *what, context)) return;
    if (what->mid.is_request())
      caf::detail::sync_request_bouncer{caf::sec::unexpected_message}(*what);
  }

  void kill_proxy(caf::execution_unit* context, caf::error reason) override {
    cleanup(std::move(reason), context);
  }

private:
  const remote_role to_;
  const std::vector<handler> handlers_;
};

template <class Out>
void forward(const remote_role& to, caf::mailbox_element& what, Out out,
             caf::execution_unit* context) {
  const auto link = caf::actor_cast<caf::strong_actor_ptr>(to.link);
  link->enqueue(caf::make_mailbox_element(std::move(what.sender), what.mid, std::move(what.stages),
                                          std::move(out)),
                context);
}

template <class Request>
bool carry(const remote_role& to, caf::mailbox_element& what, caf::execution_unit* context,
           caf::typed_mpi<caf::detail::type_list<Request>, caf::output_tuple<void>>) {
  const auto& content = what.content();
  if (!content.match_elements<Request>()) return false;
  forward(to, what, encode<outgoing_note>(to, content.get_as<Request>(0)), context);
  return true;
}

template <class Request, class Answer>
bool carry(const remote_role& to, caf::mailbox_element& what, caf::execution_unit* context,
           caf::typed_mpi<caf::detail::type_list<Request>, caf::output_tuple<Answer>>) {
  const auto& content = what.content();
  if (!content.match_elements<Request>()) return false;
  auto call = encode<outgoing_call>(to, content.get_as<Request>(0));
  call.read = read_answer<Answer>;
  forward(to, what, std::move(call), context);
  return true;
}

template <class Role, class... Signatures>
caf::strong_actor_ptr make_remote_stub(caf::actor_system& system, const remote_role& to,
                                       caf::detail::type_list<Signatures...>) {
  std::vector<remote_stub::handler> handlers{
      [](const remote_role& at, caf::mailbox_element& what, caf::execution_unit* context) {
        return carry(at, what, context, Signatures{});
      }...};
  caf::actor_config config;
  return caf::make_actor<remote_stub, caf::strong_actor_ptr>(
      system.next_actor_id(), system.node(), &system, config, to, std::move(handlers));
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
