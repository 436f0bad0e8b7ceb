/// Small secret files: written whole or not at all, readable by their owner only.
#pragma once

#include "messages/vocabulary.hpp"

#include <string>
#include <string_view>

namespace dunlin::crypto {

/// Writes beside `path` with mode 0600 and renames; makes the folder with mode 0700 if missing.
result<void> write_secret_file(const std::string& path, std::string_view bytes);

/// ec::not_found, or ec::io_error; files over 64 KiB are refused as ec::damaged.
result<std::string> read_secret_file(const std::string& path);

}  // namespace dunlin::crypto
