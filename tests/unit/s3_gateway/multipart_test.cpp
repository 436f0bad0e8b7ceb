#include "runtime/crypto/hash.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

constexpr std::size_t min_part = 5u << 20;

class Multipart : public testing::Test {
protected:
  Multipart() { EXPECT_EQ(root.put("/bucket").status, 200); }

  std::string create(const std::string& path = "/bucket/big") {
    const auto got = root.send({"POST", path + "?uploads", "", {{"Content-Type", "video/x"}}});
    EXPECT_EQ(got.status, 200);
    return element(got.body, "UploadId");
  }
  std::string upload(const std::string& id, int number, const std::string& body) {
    const auto got = root.put(at(id) + "&partNumber=" + std::to_string(number), body);
    EXPECT_EQ(got.status, 200) << got.body;
    return got.header("etag");
  }
  static std::string at(const std::string& id) { return "/bucket/big?uploadId=" + id; }

  static std::string list(const std::vector<std::pair<int, std::string>>& parts) {
    std::string out = "<CompleteMultipartUpload>";
    for (const auto& [number, etag] : parts)
      out += "<Part><ETag>" + etag + "</ETag><PartNumber>" + std::to_string(number) +
             "</PartNumber></Part>";
    return out + "</CompleteMultipartUpload>";
  }

  cluster world;
  client root{world};
};

}  // namespace

TEST_F(Multipart, PartsBecomeOneObject) {
  const auto id = create();
  const std::string one(min_part, 'a');
  const std::string two(min_part + 1, 'b');
  const std::string three = "the end";
  const auto e3 = upload(id, 9, three);
  const auto e1 = upload(id, 1, one);
  const auto e2 = upload(id, 5, two);
  upload(id, 7, "left out");
  const auto done = root.post(at(id), list({{1, e1}, {5, e2}, {9, e3}}));
  EXPECT_EQ(done.status, 200) << done.body;
  const auto md5 = [](const std::string& body) { return crypto::md5::of(body); };
  const auto etag = crypto::hex(md5(md5(one) + md5(two) + md5(three))) + "-3";
  EXPECT_EQ(element(done.body, "ETag"), "&quot;" + etag + "&quot;");
  EXPECT_EQ(element(done.body, "Location"), "/bucket/big");

  const auto got = root.get("/bucket/big");
  EXPECT_EQ(got.status, 200);
  EXPECT_TRUE(got.body == one + two + three);
  EXPECT_EQ(got.header("etag"), "\"" + etag + "\"");
  EXPECT_EQ(got.header("content-type"), "video/x");

  const auto from = std::to_string(min_part - 2);
  const auto to = std::to_string(2 * min_part + 3);
  const auto across =
      root.send({"GET", "/bucket/big", "", {{"Range", "bytes=" + from + "-" + to}}});
  EXPECT_EQ(across.status, 206);
  EXPECT_TRUE(across.body == "aa" + two + "the");
  EXPECT_EQ(root.send({"GET", "/bucket/big", "", {{"Range", "bytes=-3"}}}).body, "end");

  // The same again, as after a lost answer; but not another list.
  EXPECT_EQ(root.post(at(id), list({{1, e1}, {5, e2}, {9, e3}})).status, 200);
  EXPECT_EQ(root.post(at(id), list({{1, e1}})).code(), "NoSuchUpload");
  EXPECT_EQ(root.get(at(id)).code(), "NoSuchUpload");
}

TEST_F(Multipart, AReplacedPartCountsOnce) {
  const auto id = create();
  upload(id, 1, "first");
  const auto etag = upload(id, 1, "second");
  EXPECT_EQ(root.post(at(id), list({{1, etag}})).status, 200);
  EXPECT_EQ(root.get("/bucket/big").body, "second");
}

TEST_F(Multipart, Row19BadCompletions) {
  const auto id = create();
  const auto e1 = upload(id, 1, "small");
  const auto e2 = upload(id, 2, "last");
  const auto complete = [&](const std::string& body) { return root.post(at(id), body); };
  EXPECT_EQ(complete(list({{2, e2}, {1, e1}})).code(), "InvalidPartOrder");
  EXPECT_EQ(complete(list({{1, e1}, {1, e1}})).code(), "InvalidPartOrder");
  EXPECT_EQ(complete(list({{1, e2}})).code(), "InvalidPart");
  EXPECT_EQ(complete(list({{3, e2}})).code(), "InvalidPart");
  const auto small = complete(list({{1, e1}, {2, e2}}));
  EXPECT_EQ(small.status, 400);
  EXPECT_EQ(small.code(), "EntityTooSmall");
  EXPECT_EQ(element(small.body, "PartNumber"), "1");
  EXPECT_EQ(complete(list({})).code(), "MalformedXML");
  EXPECT_EQ(complete("").code(), "MalformedXML");
  EXPECT_EQ(complete("<CompleteMultipartUpload><Part/></CompleteMultipartUpload>").code(),
            "MalformedXML");
  EXPECT_EQ(root.post(at(std::string(32, 'a')), list({{1, e1}})).code(), "NoSuchUpload");
  EXPECT_EQ(root.post(at("nonsense"), list({{1, e1}})).code(), "NoSuchUpload");
  EXPECT_EQ(root.get("/bucket/big").status, 404);
  EXPECT_EQ(complete(list({{1, e1}})).status, 200);
}

TEST_F(Multipart, Row20PartNumbers) {
  const auto id = create();
  for (const auto* number : {"0", "-1", "10001", "x", ""}) {
    const auto got = root.put(at(id) + "&partNumber=" + number, "x");
    EXPECT_EQ(got.status, 400) << number;
    EXPECT_EQ(got.code(), "InvalidArgument") << number;
  }
  EXPECT_EQ(root.put(at(id) + "&partNumber=10000", "x").status, 200);
}

TEST_F(Multipart, APartOfNoUploadTakesNoBytes) {
  EXPECT_EQ(root.put(at(std::string(32, '0')) + "&partNumber=1", "x").code(), "NoSuchUpload");
  EXPECT_EQ(world.finished_writes, 0);
}

TEST_F(Multipart, AbortedUploadsAreGone) {
  const auto id = create();
  upload(id, 1, "x");
  EXPECT_EQ(root.remove(at(id)).status, 204);
  EXPECT_EQ(root.remove(at(id)).code(), "NoSuchUpload");
  EXPECT_EQ(root.put(at(id) + "&partNumber=2", "x").code(), "NoSuchUpload");
  EXPECT_EQ(elements(root.get("/bucket?uploads").body, "UploadId").size(), 0u);
}

TEST_F(Multipart, CompletionKeepsItsConditions) {
  root.put("/bucket/big", "there");
  const auto id = create();
  const auto etag = upload(id, 1, "x");
  const auto conditional = [&](const std::string& name, const std::string& value) {
    return root.send({"POST", at(id), list({{1, etag}}), {{name, value}}});
  };
  EXPECT_EQ(conditional("If-None-Match", "*").code(), "PreconditionFailed");
  EXPECT_EQ(conditional("If-Match", "\"x\"").code(), "PreconditionFailed");
  EXPECT_EQ(conditional("If-Match", "*").status, 200);
}

TEST_F(Multipart, PartsAreListedInPages) {
  const auto id = create();
  for (int i = 1; i <= 5; ++i)
    upload(id, i * 2, std::string(i, 'x'));
  const auto all = root.get(at(id));
  EXPECT_EQ(elements(all.body, "PartNumber"), (std::vector<std::string>{"2", "4", "6", "8", "10"}));
  EXPECT_EQ(elements(all.body, "Size")[4], "5");
  const auto page = root.get(at(id) + "&max-parts=2&part-number-marker=2");
  EXPECT_EQ(elements(page.body, "PartNumber"), (std::vector<std::string>{"4", "6"}));
  EXPECT_EQ(element(page.body, "IsTruncated"), "true");
  EXPECT_EQ(element(page.body, "NextPartNumberMarker"), "6");
  EXPECT_EQ(root.get(at(id) + "&max-parts=-1").code(), "InvalidArgument");
}

TEST_F(Multipart, UploadsAreListedInPages) {
  const auto a = create("/bucket/a");
  const auto b = create("/bucket/a");
  const auto c = create("/bucket/dir/c");
  const auto all = root.get("/bucket?uploads");
  EXPECT_EQ(elements(all.body, "Key"), (std::vector<std::string>{"a", "a", "dir/c"}));
  const auto first = root.get("/bucket?uploads&max-uploads=1");
  EXPECT_EQ(element(first.body, "IsTruncated"), "true");
  const auto rest = root.get("/bucket?uploads&key-marker=" + element(first.body, "NextKeyMarker") +
                             "&upload-id-marker=" + element(first.body, "NextUploadIdMarker"));
  EXPECT_EQ(elements(rest.body, "UploadId"), (std::vector<std::string>{b, c}));
  EXPECT_EQ(elements(root.get("/bucket?uploads&delimiter=/").body, "Prefix").back(), "dir/");
}

TEST_F(Multipart, AnObjectReplacedWhileItsPartsAreLookedUpIsResolvedAgain) {
  const auto id = create();
  const auto etag = upload(id, 1, "old");
  EXPECT_EQ(root.post(at(id), list({{1, etag}})).status, 200);
  world.before_open_read = [&] {
    root.put("/bucket/big", "new");
    world.read_fails = ec::not_found;
  };
  EXPECT_EQ(root.get("/bucket/big").body, "new");
}

}  // namespace dunlin::s3::test
