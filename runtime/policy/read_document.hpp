/// READ DOCUMENT: JSON text to a policy document. Whatever is not understood is a mistake, never
/// ignored: a condition that is left out would grant more than was written (docs/decisions/0012).
#pragma once

#include "runtime/policy/document.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace dunlin::policy {

inline constexpr std::size_t user_document_bytes_max = 6'144;
inline constexpr std::size_t bucket_document_bytes_max = 20'480;

/// A document, or the mistake: a sentence that says where, and what to write instead.
struct reading {
  std::optional<document> read;
  std::string mistake;
};

/// Of a user: no Principal.
reading read_user_document(std::string_view json);

/// Of a bucket: with a Principal; every resource is the bucket or in it, every action one of S3.
reading read_bucket_document(std::string_view json, std::string_view bucket);

}  // namespace dunlin::policy
