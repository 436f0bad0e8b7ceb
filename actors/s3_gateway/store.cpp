#include "actors/s3_gateway/store.hpp"

#include <utility>

namespace dunlin::s3 {

task<v1::Layout> store(context& c, v1::Item item, body_reader& body) {
  auto piece = co_await body.next();
  if (piece.empty()) co_return v1::Layout();
  auto opened = co_await c.world.open_write(std::move(item));
  if (!opened) throw error_of(opened.error());
  while (!piece.empty()) {
    auto bytes = std::make_shared<const std::string>(std::move(piece));
    auto written = co_await c.world.write(std::move(bytes));
    if (!written) throw error_of(written.error());
    piece = co_await body.next();
  }
  auto layout = co_await c.world.finish_write();
  if (!layout) throw error_of(layout.error());
  co_return std::move(*layout);
}

}  // namespace dunlin::s3
