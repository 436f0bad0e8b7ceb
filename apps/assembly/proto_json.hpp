/// PROTO JSON: messages as JSON for people and their programs: members in snake case, all of them,
/// numbers as numbers (Protobuf's own mapping writes those of 64 bits as text). No bytes, no maps.
#pragma once

#include <google/protobuf/message.h>
#include <boost/json.hpp>

namespace dunlin::assembly {

boost::json::object to_object(const google::protobuf::Message& from);

/// What is missing or of another type is left as it was; unknown members are passed over.
void read_object(const boost::json::value& from, google::protobuf::Message& into);

}  // namespace dunlin::assembly
