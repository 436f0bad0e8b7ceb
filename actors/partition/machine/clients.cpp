#include "actors/partition/machine/commands.hpp"
#include "runtime/observe/reached.hpp"

#include "runtime/observe/planted.hpp"

#include <vector>

namespace dunlin::machine {

static constexpr std::uint64_t answers_max = 1024;  // decision 14
static constexpr std::uint64_t clients_max = 4096;
static constexpr std::size_t clients_expired_at_once = 16;
/// How stale `heard_ms` may be: spares most commands a write of the client's row.
static constexpr std::int64_t heard_step_ms = 1000;

static std::string row_of(const v1::ClientStamp& stamp) {
  return keys::client(stamp.node(), stamp.incarnation());
}

static void forget_answers(context& at, const std::string& client_row, std::uint64_t below,
                           v1::ClientRecord& client) {
  std::vector<std::string> rows;
  each(at.store, table::answers, client_row, [&](std::string_view row, std::string_view) {
    if (keys::read_number(row.substr(client_row.size())) >= below) return false;
    rows.emplace_back(row);
    return true;
  });
  for (const auto& row : rows)
    at.store.erase(table::answers, row);
  client.set_answers(client.answers() - rows.size());
}

static void close_client(context& at, const std::string& row, v1::ClientRecord client) {
  forget_answers(at, row, UINT64_MAX, client);
  at.store.erase(table::clients, row);
  at.state.set_clients(at.state.clients() - 1);
}

/// Closes older lives of the node; answers whether a newer one is open.
static bool supersede(context& at, const v1::ClientStamp& stamp) {
  const auto node_row = keys::client_node(stamp.node());
  bool newer = false;
  std::vector<std::pair<std::string, v1::ClientRecord>> older;
  each(at.store, table::clients, node_row, [&](std::string_view row, std::string_view value) {
    const auto incarnation = keys::read_number(row.substr(node_row.size()));
    newer = newer || incarnation > stamp.incarnation();
    if (incarnation < stamp.incarnation())
      older.emplace_back(row, context::parse<v1::ClientRecord>(value));
    return true;
  });
  if (newer) return true;
  if (!older.empty()) DUNLIN_REACHED("machine.older_life_closed");
  for (const auto& [row, client] : older)
    close_client(at, row, client);
  return false;
}

v1::CommandReply open_client(context& at, const v1::ClientStamp& stamp) {
  if (stamp.node().empty() || stamp.node().size() > name_bytes_max ||
      stamp.sequence() == UINT64_MAX)
    return reply(status::INVALID);
  const auto row = row_of(stamp);
  if (at.store.get(table::clients, row)) return reply(status::OK, at.state.tick());
  if (supersede(at, stamp)) return reply(status::UNKNOWN_CLIENT, at.state.tick());
  if (at.state.clients() >= clients_max) return reply(status::TOO_MANY_OPEN, at.state.tick());
  v1::ClientRecord client;
  client.set_heard_ms(at.state.leader_time_ms());
  client.set_lowest(stamp.sequence() + 1);
  at.put(table::clients, row, client);
  at.state.set_clients(at.state.clients() + 1);
  return reply(status::OK, at.next_tick());
}

/// Takes in what the stamp says about the client: that it lives, and what it need not ask again.
static void hear(context& at, const v1::ClientStamp& stamp, const std::string& row,
                 v1::ClientRecord& client) {
  bool changed = client.heard_ms() + heard_step_ms <= at.state.leader_time_ms();
  if (stamp.lowest_unanswered() > client.lowest()) {
    client.set_lowest(stamp.lowest_unanswered());
    forget_answers(at, row, client.lowest(), client);
    changed = true;
  }
  if (!changed) return;
  client.set_heard_ms(at.state.leader_time_ms());
  at.put(table::clients, row, client);
}

admission admit(context& at, const v1::ClientStamp& stamp) {
  const auto newest = at.state.tick();
  if (stamp.node().size() > name_bytes_max || stamp.sequence() == 0 ||
      stamp.lowest_unanswered() > stamp.sequence())
    return {false, reply(status::INVALID, newest)};
  const auto row = row_of(stamp);
  auto client = at.get<v1::ClientRecord>(table::clients, row);
  if (!client) return {false, reply(status::UNKNOWN_CLIENT, newest)};
  hear(at, stamp, row, *client);
  if (stamp.sequence() < client->lowest()) return {false, reply(status::UNKNOWN_CLIENT, newest)};
  if (auto kept = at.get<v1::AnswerRecord>(table::answers, keys::answer(row, stamp.sequence()));
      kept && !planted(bug::lost_retry_dedupe)) {
    DUNLIN_REACHED("machine.answered_from_kept");
    return {false, reply(static_cast<status::Status>(kept->status()), kept->tick())};
  }
  if (client->answers() >= answers_max) return {false, reply(status::TOO_MANY_OPEN, newest)};
  return {true, {}};
}

void keep_answer(context& at, const v1::ClientStamp& stamp, const v1::CommandReply& reply) {
  const auto row = row_of(stamp);
  auto client = at.get<v1::ClientRecord>(table::clients, row);
  if (!client) return;  // the command itself expired its client
  client->set_answers(client->answers() + 1);
  at.put(table::clients, row, *client);
  v1::AnswerRecord answer;
  answer.set_status(static_cast<std::uint32_t>(reply.status()));
  answer.set_tick(reply.tick());
  at.put(table::answers, keys::answer(row, stamp.sequence()), answer);
}

v1::CommandReply apply(context& at, const v1::ExpireClients& command) {
  if (command.unheard_for_ms() <= 0) return reply(status::INVALID);
  std::vector<std::pair<std::string, v1::ClientRecord>> silent;
  at.store.scan(table::clients, {}, [&](std::string_view row, std::string_view value) {
    auto client = context::parse<v1::ClientRecord>(value);
    if (at.state.leader_time_ms() - client.heard_ms() > command.unheard_for_ms())
      silent.emplace_back(row, std::move(client));
    return silent.size() < clients_expired_at_once;
  });
  for (const auto& [row, client] : silent)
    close_client(at, row, client);
  return reply(status::OK, silent.empty() ? at.state.tick() : at.next_tick());
}

}  // namespace dunlin::machine
