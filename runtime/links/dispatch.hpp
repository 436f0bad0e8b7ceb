/// DISPATCH: from a message's Protobuf name to a request of the typed handle that is served.
#pragma once

#include "messages/error.hpp"
#include "runtime/ask.hpp"
#include "runtime/links/link_messages.hpp"

#include <caf/actor_cast.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/sec.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <typeindex>

namespace dunlin::links {

/// What a served role said: a message, or a code and its detail.
struct served_answer {
  std::string_view message;  ///< static storage
  std::string payload;
  ec error{};  ///< zero: no error
  std::string detail;
};
using answer_to = std::function<void(served_answer)>;

inline served_answer refusal(ec code, std::string detail) {
  return {{}, {}, code, std::move(detail)};
}

/// One message of a role that is answered: parses, asks the handle as `self`, answers once.
using served_handler =
    std::function<void(link_actor::pointer self, const std::string& payload,
                       std::chrono::milliseconds timeout, const answer_to& done)>;

/// One one-way message of a role; `context` is whoever runs actors on this thread, or null. False:
/// it cannot be parsed.
using note_handler = std::function<bool(const std::string& payload, caf::execution_unit* context)>;

/// A handle with a handler for each of its signatures. Immutable after it is made.
struct served_role {
  caf::strong_actor_ptr handle;
  std::type_index type = typeid(void);
  std::map<std::string, served_handler, std::less<>> calls;
  std::map<std::string, note_handler, std::less<>> notes;
  std::set<caf::actor_id> short_turns;  ///< those that may run where a note is read
};

namespace detail {

template <class Message>
std::string_view name_of() {
  return Message::descriptor()->full_name();
}

inline served_answer to_answer(const caf::error& error) {
  if (!error) return refusal(ec::unavailable, "no answer");
  // The role died here; the peer itself is well.
  if (error == caf::sec::request_receiver_down)
    return refusal(ec::unavailable, "the role is not running");
  return refusal(code_of(error), detail_of(error));
}

template <class Role, class Request>
void add_handler(served_role& role,
                 caf::typed_mpi<caf::detail::type_list<Request>, caf::output_tuple<void>>) {
  role.notes.emplace(name_of<Request>(), [handle = role.handle](const std::string& bytes,
                                                                caf::execution_unit* context) {
    Request request;
    if (!request.ParseFromString(bytes)) return false;
    handle->enqueue(
        caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(request)),
        context);
    return true;
  });
}

template <class Role, class Request, class Answer>
void add_handler(served_role& role,
                 caf::typed_mpi<caf::detail::type_list<Request>, caf::output_tuple<Answer>>) {
  role.calls.emplace(name_of<Request>(),
                     [handle = caf::actor_cast<Role>(role.handle)](
                         link_actor::pointer self, const std::string& bytes,
                         std::chrono::milliseconds timeout, const answer_to& done) {
                       Request request;
                       if (!request.ParseFromString(bytes))
                         return done(refusal(ec::bad_message, "cannot be parsed"));
                       ask(
                           self, handle, timeout, std::move(request),
                           [done](const Answer& answer) {
                             done({name_of<Answer>(), answer.SerializeAsString(), {}, {}});
                           },
                           [done](const caf::error& error) { done(to_answer(error)); });
                     });
}

template <class Role, class... Signatures>
void add_handlers(served_role& role, caf::detail::type_list<Signatures...>) {
  (add_handler<Role>(role, Signatures{}), ...);
}

}  // namespace detail

/// Compiles only for roles whose every message is Protobuf.
template <class Role>
std::shared_ptr<const served_role> make_served_role(const Role& handle,
                                                    std::set<caf::actor_id> short_turns = {}) {
  auto role = std::make_shared<served_role>();
  role->handle = caf::actor_cast<caf::strong_actor_ptr>(handle);
  role->type = typeid(Role);
  role->short_turns = std::move(short_turns);
  detail::add_handlers<Role>(*role, typename Role::signatures{});
  return role;
}

}  // namespace dunlin::links
