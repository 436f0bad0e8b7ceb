#include "apps/assembly/admin_balance.hpp"

#include "apps/assembly/admin_http.hpp"
#include "apps/assembly/balance_status.hpp"
#include "apps/assembly/json_reader.hpp"
#include "messages/error.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/topology/balance_change.hpp"

#include <fmt/format.h>
#include <caf/event_based_actor.hpp>

#include <map>

namespace dunlin::assembly {

namespace {

namespace json = boost::json;

constexpr auto answer_timeout = std::chrono::seconds(5);
constexpr auto form =
    R"(send {"set": {KEY: VALUE, …}} or {"reset": true}, and "expected_version": N to be sure)";

// ---- what is shown ----

/// Waits for several answers; the last one to come, or to fail, is followed by the answer to HTTP.
struct gathered {
  explicit gathered(http::exchange_ptr to) : exchange{std::move(to)} {}
  ~gathered() { respond_json(exchange, to_json(status)); }
  http::exchange_ptr exchange;
  balance_status status;
};

void ask_settings(caf::event_based_actor* self, const balance_source_actor& source,
                  const std::shared_ptr<gathered>& into) {
  self->request(source, answer_timeout, get_balance_settings{})
      .then(
          [into](const balance_settings_report& said) {
            into->status.settings = {said.version, said.known, said.changes,
                                     topology::show_balance(said.in_use), said.mistakes};
          },
          [into](const caf::error&) {});
}

template <class Status, class Actor, class Question>
void ask_role(caf::event_based_actor* self, const Actor& role, const Question& question,
              const std::shared_ptr<gathered>& into, std::optional<Status> balance_status::*which) {
  self->request(role, answer_timeout, question)
      .then([into, which](const Status& said) { into->status.*which = said; },
            [into](const caf::error&) {});
}

// ---- what is changed ----

struct wish {
  std::map<std::string, std::string> words;
  bool reset = false;
  std::optional<std::uint64_t> expected;
};

std::optional<wish> read_wish(const std::string& body) {
  boost::system::error_code error;
  const auto value = json::parse(body, error);
  if (error || !value.is_object()) return {};
  const json_reader from{value};
  wish made;
  from.read("reset", made.reset);
  if (from.find("expected_version")) {
    made.expected = UINT64_MAX;
    from.read("expected_version", *made.expected);
  }
  const auto* set = from.find("set");
  if (made.reset == (set != nullptr) || (set && !set->is_object())) return {};
  if (set)
    for (const auto& [key, word] : set->get_object())
      made.words[key] = word.is_string() ? word.as_string().c_str() : json::serialize(word);
  if (set && made.words.empty()) return {};
  return made;
}

std::string text_of(const std::vector<topology::mistake>& mistakes) {
  std::string text;
  for (const auto& one : mistakes)
    text += (text.empty() ? "" : "\n") + one.render();
  return text;
}

/// One change on its way through the root partition.
struct change {
  http::exchange_ptr exchange;
  node_id self;
  balance_roles roles;
  balance::settings of_file;
  wish what;
};
using change_ptr = std::shared_ptr<const change>;

std::string conflict(std::uint64_t version) {
  return fmt::format(
      "the cluster's settings of balancing have version {}: look at them, and try again", version);
}

void settle(const change_ptr& of, const v1::CommandReply& reply,
            const balance_change_status& made) {
  if (reply.status() == v1::CommandReply::PRECONDITION_FAILED)
    return refuse(of->exchange, 409, "somebody has changed the settings meanwhile: look at them");
  if (reply.status() != v1::CommandReply::OK)
    return refuse(of->exchange, 400, "the root partition refuses it: is it too long?");
  log::info("balance.settings_set", {{"version", made.version}, {"changes", made.changes}});
  if (of->roles.source) caf::anon_send(of->roles.source, heard_balance_version{made.version});
  respond_json(of->exchange, to_json(made));
}

void set_at_root(caf::event_based_actor* self, const change_ptr& of, const v1::ClusterMap& map) {
  if (of->what.expected && *of->what.expected != map.balance_version())
    return refuse(of->exchange, 409, conflict(map.balance_version()));
  // What is wrong with the words is told in their own places, not in those of the whole.
  const auto words = topology::balance_text(of->what.words);
  const auto before = topology::apply_balance(of->of_file, map.balance());
  const auto alone = topology::apply_balance(before.read.value_or(of->of_file), words, "set");
  if (!alone.read) return refuse(of->exchange, 400, text_of(alone.mistakes));
  const auto text = of->what.reset ? std::string() : topology::merge_balance(map.balance(), words);
  const auto outcome = topology::apply_balance(of->of_file, text);
  if (!outcome.read) return refuse(of->exchange, 400, text_of(outcome.mistakes));
  v1::RoutedCommand command;
  command.mutable_route()->set_partition(0);
  command.mutable_command()->mutable_set_balance()->set_balance(text);
  command.mutable_command()->mutable_set_balance()->set_expected_version(map.balance_version());
  command.set_timeout_ms(
      static_cast<std::uint32_t>(std::chrono::milliseconds(answer_timeout).count()));
  const balance_change_status made{of->self, map.balance_version() + 1, text};
  self->request(of->roles.router, 2 * answer_timeout, command)
      .then([of, made](const v1::CommandReply& reply) { settle(of, reply, made); },
            [of](const caf::error& error) { refuse(of->exchange, 503, dunlin::render(error)); });
}

}  // namespace

void show_balance(caf::actor_system& system, const node_id& self, const balance_roles& roles,
                  const http::exchange_ptr& exchange) {
  auto into = std::make_shared<gathered>(exchange);
  into->status.name = self;
  if (!roles.source) return;
  system.spawn([into, roles](caf::event_based_actor* asker) {
    ask_settings(asker, roles.source, into);
    if (roles.admission)
      ask_role(asker, roles.admission, v1::GetAdmissionStatus{}, into, &balance_status::admission);
    if (roles.balancer)
      ask_role(asker, roles.balancer, v1::GetBalancerStatus{}, into, &balance_status::balancer);
  });
}

void change_balance(caf::actor_system& system, const topology::cluster& of, const node_id& self,
                    const balance_roles& roles, const http::exchange_ptr& exchange,
                    const std::string& body) {
  auto read = read_wish(body);
  if (!read) return refuse(exchange, 400, form);
  const auto made = std::make_shared<const change>(
      change{exchange, self, roles, of.options.balance, std::move(*read)});
  system.spawn([made](caf::event_based_actor* asker) {
    v1::RoutedQuery query;
    query.mutable_route()->set_partition(0);
    query.mutable_query()->mutable_get_cluster_map();
    query.set_timeout_ms(
        static_cast<std::uint32_t>(std::chrono::milliseconds(answer_timeout).count()));
    asker->request(made->roles.router, 2 * answer_timeout, query)
        .then([asker,
               made](const v1::QueryReply& said) { set_at_root(asker, made, said.cluster_map()); },
              [made](const caf::error& error) {
                refuse(made->exchange, 503, dunlin::render(error));
              });
  });
}

}  // namespace dunlin::assembly
