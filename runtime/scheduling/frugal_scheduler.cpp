#include "runtime/scheduling/frugal_scheduler.hpp"

#include "runtime/scheduling/frugal_clock.hpp"
#include "runtime/scheduling/shared_queues.hpp"

#include <caf/scheduler/coordinator.hpp>

namespace dunlin::scheduling {

namespace {

class frugal_coordinator final : public caf::scheduler::coordinator<shared_queues> {
public:
  using super = caf::scheduler::coordinator<shared_queues>;
  using super::super;

  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>) {
    return new frugal_coordinator(system);
  }

  frugal_clock& clock() noexcept override { return clock_; }

protected:
  void start() override {
    clock_.start();
    super::start();
  }
  void stop() override {
    super::stop();
    clock_.stop();
  }

private:
  frugal_clock clock_;
};

}  // namespace

void use_frugal_scheduler(caf::actor_system_config& config, std::size_t workers) {
  config.set("scheduler.max-threads", workers);
  config.load<frugal_coordinator>();
}

}  // namespace dunlin::scheduling
