#include "actors/s3_gateway/ending.hpp"

#include <exception>
#include <utility>

namespace dunlin::s3 {

task<std::optional<failure>> failure_of(task<void> served) {
  std::optional<failure> met;
  try {
    co_await served;
  } catch (const failure& what) {
    met = what;
  } catch (const std::exception&) {
    met = error("InternalError");
  }
  co_return met;
}

task<outcome> end_failed(context& c, const failure& why, refusal said) {
  outcome out{why.status, why.code, c.answered};
  if (c.answered) {
    c.world.cut();
    co_return out;
  }
  auto sent = co_await c.world.respond(std::move(said.head), std::move(said.body));
  if (!sent) out.cut = true;
  co_return out;
}

}  // namespace dunlin::s3
