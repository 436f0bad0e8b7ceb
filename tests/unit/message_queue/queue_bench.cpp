// queue_bench [SUBSCRIBERS] [UPDATES_PER_SECOND] [UPDATES_PER_ENQUEUE]: CPU of the queue's core per
// update, over ten seconds of its own time, with values of 100 bytes. Sockets, disk and encryption
// are not in it.
#include "actors/message_queue/queue_core.hpp"
#include "actors/message_queue/queue_wire.hpp"
#include "messages/dunlin/v1/cache.pb.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>

using namespace dunlin;

namespace {

double cpu_us() { return static_cast<double>(std::clock()) * 1e6 / CLOCKS_PER_SEC; }

struct bench {
  queue_core core{{}, "q", 1, queue::time{1000}};
  queue::time now{1000};
  std::map<queue::subscriber_key, std::uint64_t> received;
  std::uint64_t ordinal = 0, row = 0, request = 0, bytes = 0;
  double wire = 0, work = 0;

  void perform(const queue_core::effects& all) {
    for (const auto& one : all) {
      if (const auto* sent = std::get_if<queue_core::send_batch>(&one)) {
        bytes += sent->bytes->size() * sent->to.size();
        for (const auto& to : sent->to)
          received[to] = row;
      }
      if (const auto* write = std::get_if<queue_core::persist>(&one)) row = write->row;
    }
  }

  std::string words(int updates) {
    v1::EnqueueUpdates message;
    auto& part = *message.add_changes();
    part.set_type("object");
    part.set_partition(3);
    auto& run = *part.add_covered();
    run.set_first(ordinal + 1);
    for (int i = 0; i < updates; ++i) {
      auto& update = *part.add_updates();
      update.set_tick(++ordinal);
      update.set_key("bucket/some/key/" + std::to_string(ordinal % 20000));
      update.set_value(std::string(100, 'v'));
    }
    run.set_last(ordinal);
    return message.SerializeAsString();
  }

  void enqueue(int updates) {
    const auto arrived = words(updates);
    const auto begin = cpu_us();
    v1::EnqueueUpdates message;
    message.ParseFromString(arrived);
    auto what = queue::from_wire(message);
    const auto parsed = cpu_us();
    perform(core.on_enqueue(now, ++request, std::move(what)));
    perform(core.on_persisted(row));
    const auto end = cpu_us();
    wire += parsed - begin;
    work += end - parsed;
  }

  void acknowledge() {
    const auto begin = cpu_us();
    for (const auto& [who, through] : received)
      perform(core.on_ack(now, {who, 1, 1, through, {}, static_cast<std::uint64_t>(now.count())}));
    work += cpu_us() - begin;
  }

  void timer() {
    const auto begin = cpu_us();
    if (now >= core.next_wake()) perform(core.on_timer(now));
    work += cpu_us() - begin;
  }
};

}  // namespace

int main(int count, char** words) {
  const auto number = [&](int which, int otherwise) {
    return count > which ? std::atoi(words[which]) : otherwise;
  };
  const int subscribers = number(1, 100), rate = number(2, 10000), together = number(3, 10);
  bench it;
  for (int i = 0; i < subscribers; ++i) {
    const queue::subscriber_key who{"node" + std::to_string(i), 0};
    it.core.on_subscribe(it.now, ++it.request, {who, 1, {"bucket", "object", "user"}, 0, 0});
    it.received[who] = 0;
  }
  double owed = 0;
  for (int step = 0; step < 10000; ++step) {
    it.now += queue::time{1};
    for (owed += rate / 1000.0; owed >= together; owed -= together)
      it.enqueue(together);
    it.timer();
    if (step % 25 == 0) it.acknowledge();
  }
  const auto seen = it.core.count();
  const auto per = [&](double us) { return us / static_cast<double>(seen.updates); };
  std::printf(
      "%d subscribers, %d updates/s in enqueues of %d: core %.2f us per update, reading the "
      "message %.2f us; "
      "%llu batches, %llu frames, %.1f bytes per update and subscriber\n",
      subscribers, rate, together, per(it.work), per(it.wire),
      static_cast<unsigned long long>(seen.batches), static_cast<unsigned long long>(seen.frames),
      per(static_cast<double>(it.bytes)) / subscribers);
}
