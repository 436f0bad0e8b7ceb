#include "runtime/policy/read_document.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>

namespace dunlin::policy {

namespace {

namespace json = boost::json;

constexpr std::size_t depth_max = 8;
constexpr std::size_t user_name_bytes_max = 64;

/// Thrown inside this file only.
struct mistake {
  std::string what;
};

template <class... Values>
[[noreturn]] void wrong(fmt::format_string<Values...> format, Values&&... values) {
  throw mistake{fmt::format(format, std::forward<Values>(values)...)};
}

/// Counts the members of all objects as they are written: the library keeps one of several members
/// of one name, and which one was meant nobody knows.
struct member_counter {
  static constexpr std::size_t max_object_size = bucket_document_bytes_max;
  static constexpr std::size_t max_array_size = bucket_document_bytes_max;
  static constexpr std::size_t max_key_size = bucket_document_bytes_max;
  static constexpr std::size_t max_string_size = bucket_document_bytes_max;
  using code = json::error_code;
  using view = json::string_view;

  std::size_t members = 0;

  bool on_document_begin(code&) { return true; }
  bool on_document_end(code&) { return true; }
  bool on_array_begin(code&) { return true; }
  bool on_array_end(std::size_t, code&) { return true; }
  bool on_object_begin(code&) { return true; }
  bool on_object_end(std::size_t count, code&) {
    members += count;
    return true;
  }
  bool on_string_part(view, std::size_t, code&) { return true; }
  bool on_string(view, std::size_t, code&) { return true; }
  bool on_key_part(view, std::size_t, code&) { return true; }
  bool on_key(view, std::size_t, code&) { return true; }
  bool on_number_part(view, code&) { return true; }
  bool on_int64(std::int64_t, view, code&) { return true; }
  bool on_uint64(std::uint64_t, view, code&) { return true; }
  bool on_double(double, view, code&) { return true; }
  bool on_bool(bool, code&) { return true; }
  bool on_null(code&) { return true; }
  bool on_comment_part(view, code&) { return true; }
  bool on_comment(view, code&) { return true; }
};

std::size_t members_written(std::string_view text, const json::parse_options& options) {
  json::basic_parser<member_counter> parser(options);
  json::error_code failed;
  parser.write_some(false, text.data(), text.size(), failed);
  return parser.handler().members;
}

/// Recurses at most depth_max deep: the parser has refused what is deeper.
std::size_t members_kept(const json::value& in) {
  std::size_t sum = 0;
  if (const auto* object = in.if_object()) {
    sum += object->size();
    for (const auto& member : *object)
      sum += members_kept(member.value());
  }
  if (const auto* array = in.if_array())
    for (const auto& each : *array)
      sum += members_kept(each);
  return sum;
}

json::value parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = depth_max;
  json::error_code failed;
  auto out = json::parse(json::string_view(text.data(), text.size()), failed, {}, options);
  if (failed)
    wrong("The document is not JSON, or nested deeper than {}: {}.", depth_max, failed.message());
  if (members_written(text, options) != members_kept(out))
    wrong("An element stands twice in one object: leave one of them out.");
  return out;
}

std::string_view text_of(const json::value& in, std::string_view what) {
  const auto* text = in.if_string();
  if (!text) wrong("{} must be a string.", what);
  return {text->data(), text->size()};
}

/// One string, or a list of one or more.
std::vector<std::string_view> texts_of(const json::value& in, std::string_view what) {
  std::vector<std::string_view> out;
  if (const auto* list = in.if_array()) {
    for (const auto& each : *list)
      out.push_back(text_of(each, what));
  } else {
    out.push_back(text_of(in, what));
  }
  if (out.empty()) wrong("{} must not be empty.", what);
  return out;
}

void check_pattern(std::string_view pattern, std::string_view what) {
  if (pattern.find("${") != pattern.npos)
    wrong("{} \"{}\" has a policy variable: these are not built, write what is meant.", what,
          pattern);
  const auto questions = std::count(pattern.begin(), pattern.end(), '?');
  if (static_cast<std::size_t>(questions) > question_marks_max)
    wrong("{} \"{}\" has more than {} times '?': use '*'.", what, pattern, question_marks_max);
}

void check_members(const json::object& in, std::initializer_list<std::string_view> known,
                   std::string_view where) {
  for (const auto& member : in) {
    const std::string_view name(member.key().data(), member.key().size());
    if (name == "Condition")
      wrong(
          "{} has a Condition: conditions are not built, and leaving one out would grant more than "
          "was written.",
          where);
    if (name == "NotPrincipal") wrong("{} has a NotPrincipal: write a Principal instead.", where);
    if (std::find(known.begin(), known.end(), name) == known.end())
      wrong("{} has an element \"{}\" that is not understood.", where, name);
  }
}

/// Reads one statement.
class statement_reader {
public:
  statement_reader(const json::object& from, std::size_t number, const std::string_view* bucket)
      : from_(from), bucket_(bucket), where_(fmt::format("Statement {}", number)) {}

  statement read(std::set<std::string_view>& sids) {
    if (bucket_)
      check_members(
          from_, {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource"},
          where_);
    else if (from_.contains("Principal"))
      wrong("{} has a Principal: a user's policy is about that user; leave it out.", where_);
    else
      check_members(from_, {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"},
                    where_);
    read_sid(sids);
    read_effect();
    if (bucket_) read_principal();
    read_actions();
    read_resources();
    return std::move(out_);
  }

private:
  std::string named(std::string_view element) const {
    return fmt::format("{}: {}", where_, element);
  }

  void read_sid(std::set<std::string_view>& sids) {
    const auto* given = from_.if_contains("Sid");
    if (!given) return;
    const auto sid = text_of(*given, named("Sid"));
    const bool plain = std::all_of(sid.begin(), sid.end(), [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             (bucket_ && c >= ' ' && c <= '~');
    });
    if (!plain) wrong("{} must be of letters and digits.", named("Sid"));
    if (!sid.empty() && !sids.insert(sid).second)
      wrong("{} \"{}\" stands in another statement, too: each needs its own.", named("Sid"), sid);
  }

  void read_effect() {
    const auto* given = from_.if_contains("Effect");
    const auto effect = given ? text_of(*given, named("Effect")) : std::string_view();
    if (effect != "Allow" && effect != "Deny")
      wrong("{} must be \"Allow\" or \"Deny\".", named("Effect"));
    out_.allows = effect == "Allow";
  }

  /// The value of one of both elements; `other`: of the second.
  const json::value& either(std::string_view one, std::string_view second, bool& other) const {
    const auto* plain = from_.if_contains(json::string_view(one.data(), one.size()));
    const auto* inverted = from_.if_contains(json::string_view(second.data(), second.size()));
    if (!plain == !inverted) wrong("{} must have either {} or {}.", where_, one, second);
    other = inverted != nullptr;
    return plain ? *plain : *inverted;
  }

  void read_actions() {
    const auto& given = either("Action", "NotAction", out_.other_actions);
    const auto what = named(out_.other_actions ? "NotAction" : "Action");
    for (const auto action : texts_of(given, what)) {
      check_pattern(action, what);
      check_action(action, what);
      std::string lower(action);
      for (auto& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      out_.actions.emplace_back(lower);
    }
  }

  void check_action(std::string_view action, std::string_view what) const {
    if (action == "*") return;
    const auto colon = std::min(action.find(':'), action.size());
    const auto service = action.substr(0, colon);
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    };
    const auto in_name = [&](char c) { return plain(c) || c == '*' || c == '?'; };
    const auto name = action.substr(std::min(colon + 1, action.size()));
    if (service.empty() || name.empty() || !std::all_of(service.begin(), service.end(), plain) ||
        !std::all_of(name.begin(), name.end(), in_name))
      wrong("{} \"{}\" must be \"*\", or a service, a colon and an action, as in \"s3:GetObject\".",
            what, action);
    if (bucket_ && service != "s3" && service != "S3")
      wrong("{} \"{}\" is none of S3, which a bucket's policy is about.", what, action);
  }

  void read_resources() {
    const auto& given = either("Resource", "NotResource", out_.other_resources);
    const auto what = named(out_.other_resources ? "NotResource" : "Resource");
    for (const auto resource : texts_of(given, what)) {
      check_pattern(resource, what);
      if (resource == "*")
        out_.resources.emplace_back();
      else
        out_.resources.emplace_back(check_resource(resource, what));
    }
  }

  /// One that could never match would be a rule that its writer believes in.
  arn_parts check_resource(std::string_view resource, std::string_view what) const {
    const auto parts = split_arn(resource);
    if (!parts || parts->head[0] != "arn" || parts->resource.empty())
      wrong("{} \"{}\" must be \"*\" or an ARN, as in \"arn:aws:s3:::bucket/*\".", what, resource);
    const auto& [arn, partition, service, region, of_account] = parts->head;
    const auto fits = [](std::string_view pattern, std::string_view text) {
      return wildcard(pattern).matches(text);
    };
    if (!fits(partition, "aws")) wrong("{} \"{}\": the partition must be \"aws\".", what, resource);
    if (bucket_ && service != "s3")
      wrong("{} \"{}\" is none of S3, which a bucket's policy is about.", what, resource);
    if (service == "s3" && (!fits(region, "") || !fits(of_account, "")))
      wrong(
          "{} \"{}\": buckets have neither region nor account in their ARN: "
          "\"arn:aws:s3:::bucket/*\".",
          what, resource);
    if (service == "iam" && (!fits(region, "") || !fits(of_account, account)))
      wrong("{} \"{}\": the account is \"{}\", without a region: \"arn:aws:iam::{}:user/*\".", what,
            resource, account, account);
    if (bucket_ && !fits(parts->resource.substr(0, parts->resource.find('/')), *bucket_))
      wrong(
          "{} \"{}\" is neither this bucket nor in it: write \"arn:aws:s3:::{}\" or "
          "\"arn:aws:s3:::{}/*\".",
          what, resource, *bucket_, *bucket_);
    return *parts;
  }

  void read_principal() {
    const auto what = named("Principal");
    const auto* given = from_.if_contains("Principal");
    if (!given)
      wrong("{} is missing: \"*\", or {{\"AWS\": \"arn:aws:iam::{}:user/NAME\"}}.", what, account);
    out_.everybody = false;
    if (const auto* object = given->if_object()) {
      if (object->size() != 1 || !object->contains("AWS")) wrong("{} may hold \"AWS\" only.", what);
      for (const auto who : texts_of(object->at("AWS"), what))
        add_principal(who, what);
      return;
    }
    if (!given->if_string() || text_of(*given, what) != "*")
      wrong("{} must be \"*\" or {{\"AWS\": \"arn:aws:iam::{}:user/NAME\"}}.", what, account);
    out_.everybody = true;
  }

  void add_principal(std::string_view who, std::string_view what) {
    if (who == "*") {
      out_.everybody = true;
      return;
    }
    const auto name = who.starts_with("arn:") ? user_of_arn(who) : who;
    if (!valid_name(name, user_name_bytes_max))
      wrong("{} \"{}\" is no user: write \"arn:aws:iam::{}:user/NAME\", or \"*\" for all of them.",
            what, who, account);
    out_.users.emplace_back(name);
  }

  const json::object& from_;
  const std::string_view* bucket_;
  std::string where_;
  statement out_;
};

document read_root(const json::value& root, const std::string_view* bucket) {
  const auto* object = root.if_object();
  if (!object) wrong("The document must be an object with a Statement.");
  check_members(*object, {"Version", "Id", "Statement"}, "The document");
  if (const auto* version = object->if_contains("Version")) {
    const auto text = text_of(*version, "Version");
    if (text != "2012-10-17" && text != "2008-10-17") wrong("Version must be \"2012-10-17\".");
  }
  if (const auto* id = object->if_contains("Id")) text_of(*id, "Id");
  const auto* statements = object->if_contains("Statement");
  if (!statements) wrong("The document has no Statement.");
  document out;
  std::set<std::string_view> sids;
  const auto add = [&](const json::value& one) {
    const auto number = out.statements.size() + 1;
    const auto* each = one.if_object();
    if (!each) wrong("Statement {} must be an object.", number);
    out.statements.push_back(statement_reader(*each, number, bucket).read(sids));
  };
  if (const auto* list = statements->if_array())
    for (const auto& each : *list)
      add(each);
  else
    add(*statements);
  if (out.statements.empty()) wrong("Statement must not be empty.");
  return out;
}

reading read(std::string_view text, const std::string_view* bucket, std::size_t bytes_max) {
  reading out;
  try {
    if (text.size() > bytes_max) wrong("The document has more than {} bytes.", bytes_max);
    out.read = read_root(parse(text), bucket);
  } catch (const mistake& what) {
    out.mistake = what.what;
  }
  return out;
}

}  // namespace

reading read_user_document(std::string_view text) {
  return read(text, nullptr, user_document_bytes_max);
}

reading read_bucket_document(std::string_view text, std::string_view bucket) {
  return read(text, &bucket, bucket_document_bytes_max);
}

}  // namespace dunlin::policy
