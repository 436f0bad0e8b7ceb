/// Reads members of a JSON object; what is missing or of another type is left as it was.
#pragma once

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace dunlin::assembly {

class json_reader {
public:
  explicit json_reader(const boost::json::value& from) : from_{from.if_object()} {}

  const boost::json::value* find(std::string_view key) const {
    return from_ ? from_->if_contains(key) : nullptr;
  }

  void read(std::string_view key, std::string& into) const {
    if (const auto* value = find(key); value && value->is_string())
      into = value->get_string().c_str();
  }

  void read(std::string_view key, bool& into) const {
    if (const auto* value = find(key); value && value->is_bool()) into = value->get_bool();
  }

  template <class number>
  requires std::is_arithmetic_v<number>
  void read(std::string_view key, number& into) const {
    const auto* value = find(key);
    if (!value) return;
    boost::system::error_code error;
    if (const auto read = value->to_number<number>(error); !error) into = read;
  }

  void read(std::string_view key, std::vector<std::string>& into) const {
    each(key, [&](const boost::json::value& word) {
      if (word.is_string()) into.emplace_back(word.get_string());
    });
  }

  template <class function>
  void each(std::string_view key, function take) const {
    const auto* value = find(key);
    if (const auto* array = value ? value->if_array() : nullptr)
      for (const auto& entry : *array)
        take(entry);
  }

  /// An item of `into` for each member of the array, filled by `take`.
  template <class item, class function>
  void read_all(std::string_view key, std::vector<item>& into, function take) const {
    each(key,
         [&](const boost::json::value& entry) { take(json_reader{entry}, into.emplace_back()); });
  }

private:
  const boost::json::object* from_;
};

}  // namespace dunlin::assembly
