#include "apps/assembly/fault_status.hpp"

#include "apps/assembly/json_reader.hpp"

namespace dunlin::assembly {

namespace json = boost::json;

std::string to_json(const fault_status& status) {
  return json::serialize(json::object{
      {"name", status.name},
      {"cache_update_loss", status.cache_update_loss},
      {"dropped",
       json::object{{"cache_batch", status.batches_dropped}, {"batch_ack", status.acks_dropped}}}});
}

result<fault_status> parse_fault_status(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return ec::bad_message;
  fault_status status;
  const json_reader from{value};
  from.read("name", status.name);
  if (status.name.empty()) return ec::bad_message;
  from.read("cache_update_loss", status.cache_update_loss);
  if (const auto* dropped = from.find("dropped")) {
    json_reader{*dropped}.read("cache_batch", status.batches_dropped);
    json_reader{*dropped}.read("batch_ack", status.acks_dropped);
  }
  return status;
}

}  // namespace dunlin::assembly
