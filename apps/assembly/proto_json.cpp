#include "apps/assembly/proto_json.hpp"

#include "messages/vocabulary.hpp"

#include <cmath>

namespace dunlin::assembly {

namespace json = boost::json;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

namespace {

json::value finite(double number) {
  return std::isfinite(number) ? json::value(number) : json::value(nullptr);
}

json::value value_of(const Message& from, const FieldDescriptor& field) {
  const auto& in = *from.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: return in.GetInt32(from, &field);
    case FieldDescriptor::CPPTYPE_INT64: return in.GetInt64(from, &field);
    case FieldDescriptor::CPPTYPE_UINT32: return in.GetUInt32(from, &field);
    case FieldDescriptor::CPPTYPE_UINT64: return in.GetUInt64(from, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE: return finite(in.GetDouble(from, &field));
    case FieldDescriptor::CPPTYPE_FLOAT: return finite(in.GetFloat(from, &field));
    case FieldDescriptor::CPPTYPE_BOOL: return in.GetBool(from, &field);
    case FieldDescriptor::CPPTYPE_ENUM: return json::string(in.GetEnum(from, &field)->name());
    case FieldDescriptor::CPPTYPE_STRING: return json::string(in.GetString(from, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (!in.HasField(from, &field)) return nullptr;
      return to_object(in.GetMessage(from, &field));
  }
  return nullptr;
}

json::value item_of(const Message& from, const FieldDescriptor& field, int index) {
  const auto& in = *from.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: return in.GetRepeatedUInt32(from, &field, index);
    case FieldDescriptor::CPPTYPE_UINT64: return in.GetRepeatedUInt64(from, &field, index);
    case FieldDescriptor::CPPTYPE_DOUBLE: return finite(in.GetRepeatedDouble(from, &field, index));
    case FieldDescriptor::CPPTYPE_STRING:
      return json::string(in.GetRepeatedString(from, &field, index));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return to_object(in.GetRepeatedMessage(from, &field, index));
    default: DUNLIN_ASSERT(false);  // no status has such a list
  }
  return nullptr;
}

template <class Number, class Set>
void read_number(const json::value& from, Set set) {
  boost::system::error_code error;
  if (const auto read = from.to_number<Number>(error); !error) set(read);
}

void read_value(const json::value& from, Message& into, const FieldDescriptor& field) {
  const auto& in = *into.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return read_number<std::int32_t>(from, [&](auto n) { in.SetInt32(&into, &field, n); });
    case FieldDescriptor::CPPTYPE_INT64:
      return read_number<std::int64_t>(from, [&](auto n) { in.SetInt64(&into, &field, n); });
    case FieldDescriptor::CPPTYPE_UINT32:
      return read_number<std::uint32_t>(from, [&](auto n) { in.SetUInt32(&into, &field, n); });
    case FieldDescriptor::CPPTYPE_UINT64:
      return read_number<std::uint64_t>(from, [&](auto n) { in.SetUInt64(&into, &field, n); });
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return read_number<double>(from, [&](auto n) { in.SetDouble(&into, &field, n); });
    case FieldDescriptor::CPPTYPE_FLOAT:
      return read_number<double>(
          from, [&](auto n) { in.SetFloat(&into, &field, static_cast<float>(n)); });
    case FieldDescriptor::CPPTYPE_BOOL:
      if (from.is_bool()) in.SetBool(&into, &field, from.get_bool());
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      if (from.is_string())
        if (const auto* named = field.enum_type()->FindValueByName(from.get_string().c_str()))
          in.SetEnum(&into, &field, named);
      return;
    case FieldDescriptor::CPPTYPE_STRING:
      if (from.is_string()) in.SetString(&into, &field, from.get_string().c_str());
      return;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (from.is_object()) read_object(from, *in.MutableMessage(&into, &field));
      return;
  }
}

void read_item(const json::value& from, Message& into, const FieldDescriptor& field) {
  const auto& in = *into.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return read_number<std::uint32_t>(from, [&](auto n) { in.AddUInt32(&into, &field, n); });
    case FieldDescriptor::CPPTYPE_UINT64:
      return read_number<std::uint64_t>(from, [&](auto n) { in.AddUInt64(&into, &field, n); });
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return read_number<double>(from, [&](auto n) { in.AddDouble(&into, &field, n); });
    case FieldDescriptor::CPPTYPE_STRING:
      if (from.is_string()) in.AddString(&into, &field, from.get_string().c_str());
      return;
    case FieldDescriptor::CPPTYPE_MESSAGE: return read_object(from, *in.AddMessage(&into, &field));
    default: return;
  }
}

}  // namespace

json::object to_object(const Message& from) {
  json::object made;
  const auto& type = *from.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto& field = *type.field(i);
    auto& value = made[field.name()];
    if (!field.is_repeated()) {
      value = value_of(from, field);
      continue;
    }
    auto& list = value.emplace_array();
    for (int k = 0; k < from.GetReflection()->FieldSize(from, &field); ++k)
      list.push_back(item_of(from, field, k));
  }
  return made;
}

void read_object(const json::value& from, Message& into) {
  const auto* members = from.if_object();
  if (!members) return;
  const auto& type = *into.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto& field = *type.field(i);
    const auto* value = members->if_contains(field.name());
    if (!value) continue;
    if (!field.is_repeated()) {
      read_value(*value, into, field);
    } else if (const auto* list = value->if_array()) {
      for (const auto& item : *list)
        read_item(item, into, field);
    }
  }
}

}  // namespace dunlin::assembly
