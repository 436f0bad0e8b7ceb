/// `--watch`: a view again and again, in place on a terminal.
#pragma once

#include "apps/dunlin/commands.hpp"

#include <functional>

namespace dunlin::commands {

/// Calls `show` every 2 s until it is interrupted, or nobody reads any more. `lines`: each view is
/// one line for a program, nothing stands between them.
int watch(bool lines, const std::function<void()>& show);

}  // namespace dunlin::commands
