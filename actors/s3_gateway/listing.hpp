/// LISTING: what the four listing verbs share: bounds, encoding, opaque tokens.
#pragma once

#include "actors/s3_gateway/context.hpp"
#include "actors/s3_gateway/xml.hpp"

#include <cstdint>
#include <string>

namespace dunlin::s3 {

inline constexpr std::uint32_t list_items_max = 1000;

/// The parameter's number clipped to list_items_max; `list_items_max` if absent. Throws
/// InvalidArgument.
std::uint32_t items_max_of(const target& where, std::string_view name);

/// A prefix, delimiter or marker: no longer than a key. Throws InvalidArgument.
std::string position_of(const target& where, std::string_view name);

/// encoding-type; throws InvalidArgument for any but "url".
bool url_encoded(const target& where);

/// A key as the listing shows it.
std::string shown(const std::string& key, bool url);

/// Opaque to clients; a token that we did not make is recognised (checklist row 22).
std::string make_token(const std::string& after);
std::string read_token(const std::string& token);  ///< throws InvalidArgument

void write_owner(xml_writer& xml, std::string_view element, const std::string& name);
void write_prefixes(xml_writer& xml,
                    const google::protobuf::RepeatedPtrField<std::string>& prefixes, bool url);

/// 16 bytes as clients see them; an id of another shape names no upload.
std::string show_upload_id(const std::string& id);
std::string read_upload_id(const target& where);  ///< throws NoSuchUpload

}  // namespace dunlin::s3
