#include "actors/s3_gateway/xml.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

bool accepted(const std::string& bytes, std::string_view root = "A") {
  return read_xml(bytes, root).has_value();
}

std::string nested(int depth) {
  std::string out = "<A>";
  for (int i = 1; i < depth; ++i)
    out += "<x>";
  for (int i = 1; i < depth; ++i)
    out += "</x>";
  return out + "</A>";
}

}  // namespace

TEST(Xml, ReadsElementsWithTheirTextAndWhateverNamespace) {
  const auto read = read_xml(
      "<?xml version='1.0'?>\n<s:Delete xmlns:s=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<s:Object><Key>a &amp; <![CDATA[<b>]]>&#x41;</Key></s:Object><!-- no -->"
      "<Object><Key> </Key></Object></s:Delete>",
      "Delete");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->children.size(), 2u);
  EXPECT_EQ(read->children[0].text_of("Key"), "a & <b>A");
  EXPECT_EQ(read->children[1].text_of("Key"), " ");
  EXPECT_EQ(read->children[1].child("Value"), nullptr);
}

TEST(Xml, RefusesWhatRow18Names) {
  EXPECT_TRUE(accepted("<A/>"));
  EXPECT_FALSE(accepted(""));
  EXPECT_FALSE(accepted("hello"));
  EXPECT_FALSE(accepted("<A>"));
  EXPECT_FALSE(accepted("<A></B>"));
  EXPECT_FALSE(accepted("<B/>"));
  EXPECT_FALSE(accepted("<A/><A/>"));
  EXPECT_FALSE(accepted("<!DOCTYPE A><A/>"));
  EXPECT_FALSE(accepted("<!DOCTYPE A [<!ENTITY x 'y'>]><A>&x;</A>"));
  EXPECT_FALSE(accepted("<A>\xff</A>"));
  EXPECT_FALSE(accepted("<A>\xc0\x80</A>"));
  EXPECT_TRUE(accepted(nested(32)));
  EXPECT_FALSE(accepted(nested(33)));
  EXPECT_FALSE(accepted(nested(200'000)));
  EXPECT_FALSE(accepted("<A>" + std::string(xml_bytes_max, 'x') + "</A>"));
}

TEST(Xml, RefusesReferencesThatOnlyADoctypeCouldExplain) {
  for (const auto* bad : {"&x;", "&", "&amp", "&;", "&#;", "&#x;", "&#0;", "&#x0;", "&#-1;",
                          "&#x110000;", "&#6a;", "& "})
    EXPECT_FALSE(accepted("<A>" + std::string(bad) + "</A>")) << bad;
  for (const auto* good :
       {"&amp;&lt;&gt;&quot;&apos;", "&#65;", "&#x1F600;", "<![CDATA[&x;]]>", "<!-- &x; -->"})
    EXPECT_TRUE(accepted("<A>" + std::string(good) + "</A>")) << good;
  EXPECT_FALSE(accepted("<A><![CDATA[&x;]]>&x;</A>"));
  EXPECT_FALSE(accepted("<A><![CDATA[&x;</A>"));
}

TEST(Xml, WritesAnyBytesWellFormed) {
  xml_writer xml;
  xml.open_root("A");
  xml.text("K", std::string("<&>\"\x01\n\x1f\x7f\xc3\xa4\xff", 11));
  xml.number("N", 7);
  xml.boolean("B", false);
  xml.close();
  EXPECT_EQ(xml.take(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<K>&lt;&amp;&gt;&quot;&#x1;&#xa;&#x1f;&#x7f;\xc3\xa4\xef\xbf\xbd</K>"
            "<N>7</N><B>false</B></A>");
}

TEST(Xml, KnowsUtf8FromOtherBytes) {
  EXPECT_TRUE(valid_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa6"));
  for (const auto* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf5\x80\x80\x80", "\xf0\x80\x80\x80", "\xe2\x82"})
    EXPECT_FALSE(valid_utf8(bad));
}

}  // namespace dunlin::s3::test
