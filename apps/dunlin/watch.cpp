#include "apps/dunlin/watch.hpp"

#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

namespace dunlin::commands {

int watch(bool lines, const std::function<void()>& show) {
  const auto in_place = !lines && ::isatty(STDOUT_FILENO) != 0;
  for (bool first = true; std::cout; first = false) {
    if (in_place)
      std::cout << "\x1b[H\x1b[2J";
    else if (!first && !lines)
      std::cout << "\n----\n\n";
    show();
    std::this_thread::sleep_for(std::chrono::seconds(2));
  }
  return failed;
}

}  // namespace dunlin::commands
