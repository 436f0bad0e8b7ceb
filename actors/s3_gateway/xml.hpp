/// XML of S3: a strict reader for what clients send (checklist row 18) and a writer for answers.
#pragma once

#include "messages/vocabulary.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::s3 {

inline constexpr std::size_t xml_bytes_max = 1u << 20;
inline constexpr int xml_depth_max = 32;

/// An element: its local name, its own text, its children in order.
struct xml_element {
  std::string name;
  std::string text;
  std::vector<xml_element> children;

  const xml_element* child(std::string_view wanted) const;
  /// Text of that child, or empty.
  std::string_view text_of(std::string_view wanted) const;
};

/// The document's root, which must be `root`. bad_message: not well-formed, not UTF-8, a DOCTYPE,
/// too deep, too large, another root.
result<xml_element> read_xml(const std::string& bytes, std::string_view root);

bool valid_utf8(std::string_view bytes);

/// Elements in order, escaped so that any byte string makes a document that parsers accept or, for
/// control characters that XML 1.0 cannot say, at least a well-formed reference as S3 writes it.
class xml_writer {
public:
  xml_writer();
  void open(std::string_view name);
  /// The root of an S3 answer: with S3's namespace.
  void open_root(std::string_view name);
  void open_root(std::string_view name, std::string_view name_space);
  void close();
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::uint64_t value);
  void boolean(std::string_view name, bool value);
  /// The document; every element must be closed.
  std::string take();

private:
  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace dunlin::s3
