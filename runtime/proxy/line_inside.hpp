/// For the line's own sources only.
#pragma once

#include "runtime/proxy/line.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace dunlin::proxy {

template <class Work>
void line::on_strand(Work work) {
  sockets::asio::post(
      executor_, [self = shared_from_this(), work = std::move(work)]() mutable { work(*self); });
}

template <class Work>
void line::spawn(Work work) {
  sockets::asio::co_spawn(
      executor_,
      [self = shared_from_this(), work = std::move(work)]() mutable { return work(*self); },
      sockets::asio::detached);
}

}  // namespace dunlin::proxy
