/// METADATA of an object between headers and records.
#pragma once

#include "actors/s3_gateway/target.hpp"
#include "messages/dunlin/v1/stored.pb.h"
#include "runtime/http/exchange.hpp"

#include <google/protobuf/repeated_ptr_field.h>

#include <vector>

namespace dunlin::s3 {

inline constexpr std::size_t user_metadata_bytes_max = 2048;

using stored_headers = google::protobuf::RepeatedPtrField<v1::Header>;

/// Content-* and x-amz-meta-* of a PUT or CreateMultipartUpload. Throws MetadataTooLarge.
void read_metadata(const http::request& request, stored_headers& content, stored_headers& user);

/// What GET and HEAD answer of a record, response-* parameters applied. Throws InvalidArgument.
std::vector<http::header> object_headers(const v1::ObjectRecord& record, const target& where);

}  // namespace dunlin::s3
