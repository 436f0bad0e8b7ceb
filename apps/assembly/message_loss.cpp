#include "apps/assembly/message_loss.hpp"

#include <fmt/format.h>

namespace dunlin::assembly {

namespace {

counter& dropped(metrics& counts, const char* what) {
  return counts.counter("dunlin_faults_dropped_total", "Messages that were lost on purpose",
                        {{"what", what}});
}

}  // namespace

message_loss::message_loss(std::shared_ptr<random_source> random, metrics& counts)
    : random_(std::move(random)),
      batches_(dropped(counts, "cache_batch")),
      acks_(dropped(counts, "batch_ack")),
      share_(counts.gauge("dunlin_faults_cache_update_loss",
                          "Fraction of cache-update messages that is lost on purpose")) {}

bool message_loss::set(double fraction) {
  if (!(fraction >= 0 && fraction < 1)) return false;
  fraction_ = fraction;
  share_.set(fraction);
  return true;
}

double message_loss::fraction() const { return fraction_; }

bool message_loss::takes(counter& of) {
  const auto fraction = fraction_.load();
  if (fraction <= 0) return false;
  constexpr double numbers = 1ull << 53;
  const auto lost = static_cast<double>(random_->next() >> 11) / numbers < fraction;
  if (lost) of.add();
  return lost;
}

std::uint64_t message_loss::batches() const { return static_cast<std::uint64_t>(batches_.value()); }
std::uint64_t message_loss::acks() const { return static_cast<std::uint64_t>(acks_.value()); }

std::vector<std::string> message_loss::warnings() const {
  if (fraction() <= 0) return {};
  return {
      fmt::format("{:.4g} % of the cache-update messages are lost ON PURPOSE: dunlin faults FILE "
                  "--cache-update-loss 0 ends it",
                  100 * fraction())};
}

}  // namespace dunlin::assembly
