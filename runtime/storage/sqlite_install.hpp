/// The second half of install(): what a crash may have left to do. Nobody has the database open.
#pragma once

#include "runtime/disk/disk.hpp"

#include <string>

namespace dunlin {

/// Ends an installation whose file was already durable under its second name; nothing to do, if
/// there is none.
result<void> finish_install(disk& storage, const std::string& path);

}  // namespace dunlin
