"""A file in and out through S3: boto3 and the AWS command line over three real nodes (U1, U2, K1)."""
import filecmp
import json
import os
import sys
import unittest

from botocore.exceptions import ClientError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import ClusterTest, content, dunlin, sha  # noqa: E402


def code_of(call):
    """HTTP status and S3 code of a call that must fail."""
    try:
        call()
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    raise AssertionError("it should have been refused")


class FirstObject(ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3 = cls.cluster.s3("n1")
        cls.s3.create_bucket(Bucket="first")

    def test_the_card_tells_the_next_command(self):
        for part in (self.cluster.url("n1"), "credentials", "--endpoint-url", "s3 mb"):
            self.assertIn(part, self.card)

    def test_status_has_the_shape_that_scripts_read(self):
        status = self.cluster.status()
        self.assertEqual([node["name"] for node in status["nodes"]], self.cluster.names)
        for node in status["nodes"]:
            self.assertEqual(node["state"], "ready")
            self.assertEqual(sorted(node["roles"]), ["access", "database", "storage"])
            self.assertEqual(node["s3"], self.cluster.url(node["name"]))
            os.kill(node["pid"], 0)
        self.assertEqual([partition["id"] for partition in status["partitions"]], [0, 1, 2, 3])
        for partition in status["partitions"]:
            self.assertIn(partition["leader"], self.cluster.names)
            self.assertEqual(sorted(partition["replicas"]), self.cluster.names)
            self.assertGreater(partition["term"], 0)
            self.assertTrue(partition["range"])
        self.assertEqual(status["health"]["verdict"], "ok")
        self.assertTrue(status["health"]["reason"])
        self.assertIn("cluster test: ok", dunlin("status", self.cluster.file).stdout)

    def test_an_object_comes_back_through_every_node(self):
        for size in (0, 1, 4096, 1 << 20, (3 << 20) + 17):
            body = content(size, size)
            put = self.s3.put_object(Bucket="first", Key=f"size/{size}", Body=body, Metadata={"colour": "blue"},
                                     ContentType="text/x-test")
            for name in self.cluster.names:
                got = self.cluster.s3(name).get_object(Bucket="first", Key=f"size/{size}")
                self.assertEqual(sha(got["Body"].read()), sha(body))
                self.assertEqual(got["ETag"], put["ETag"])
                self.assertEqual(got["Metadata"], {"colour": "blue"})
                self.assertEqual(got["ContentType"], "text/x-test")

    def test_ranges_and_head(self):
        body = content("range", (2 << 20) + 5)
        self.s3.put_object(Bucket="first", Key="range", Body=body)
        self.assertEqual(self.s3.head_object(Bucket="first", Key="range")["ContentLength"], len(body))
        for text, part in (("bytes=0-0", body[:1]), ("bytes=1048570-1048590", body[1048570:1048591]),
                           ("bytes=-5", body[-5:]), ("bytes=2097150-", body[2097150:])):
            self.assertEqual(self.s3.get_object(Bucket="first", Key="range", Range=text)["Body"].read(), part)

    def test_deleted_is_gone_at_every_node(self):
        self.s3.put_object(Bucket="first", Key="brief", Body=b"x")
        self.s3.delete_object(Bucket="first", Key="brief")
        for name in self.cluster.names:
            client = self.cluster.s3(name)
            self.assertEqual(code_of(lambda: client.get_object(Bucket="first", Key="brief")), (404, "NoSuchKey"))

    def test_lists_page_by_page_with_common_prefixes(self):
        self.s3.create_bucket(Bucket="lists")
        keys = sorted(f"{folder}/{i:02}" for folder in ("a", "b", "c") for i in range(12)) + ["top"]
        for key in keys:
            self.s3.put_object(Bucket="lists", Key=key, Body=b"x")
        pages = self.cluster.s3("n2").get_paginator("list_objects_v2").paginate(
            Bucket="lists", PaginationConfig={"PageSize": 5})
        self.assertEqual([entry["Key"] for page in pages for entry in page.get("Contents", [])], keys)
        top = self.s3.list_objects_v2(Bucket="lists", Delimiter="/")
        self.assertEqual([entry["Prefix"] for entry in top["CommonPrefixes"]], ["a/", "b/", "c/"])
        self.assertEqual([entry["Key"] for entry in top["Contents"]], ["top"])
        old = self.s3.list_objects(Bucket="lists", Prefix="b/", MaxKeys=3)
        self.assertEqual([entry["Key"] for entry in old["Contents"]], ["b/00", "b/01", "b/02"])
        self.assertEqual(code_of(lambda: self.s3.delete_bucket(Bucket="lists")), (409, "BucketNotEmpty"))
        self.s3.delete_objects(Bucket="lists", Delete={"Objects": [{"Key": key} for key in keys]})
        self.s3.delete_bucket(Bucket="lists")
        self.assertNotIn("lists", [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]])

    def test_multipart(self):
        parts = [content(f"part {i}", (5 << 20) + i) for i in range(2)] + [b"the end"]
        upload = self.s3.create_multipart_upload(Bucket="first", Key="parts")["UploadId"]
        tags = []
        for number, body in enumerate(parts, 1):
            client = self.cluster.s3(self.cluster.names[number % 3])
            tag = client.upload_part(Bucket="first", Key="parts", UploadId=upload, PartNumber=number, Body=body)["ETag"]
            tags.append({"PartNumber": number, "ETag": tag})
        listed = self.s3.list_parts(Bucket="first", Key="parts", UploadId=upload)["Parts"]
        self.assertEqual([part["Size"] for part in listed], [len(body) for body in parts])
        self.assertEqual(code_of(lambda: self.s3.get_object(Bucket="first", Key="parts")), (404, "NoSuchKey"))
        done = self.s3.complete_multipart_upload(Bucket="first", Key="parts", UploadId=upload,
                                                 MultipartUpload={"Parts": tags})
        self.assertTrue(done["ETag"].strip('"').endswith("-3"))
        got = self.cluster.s3("n3").get_object(Bucket="first", Key="parts")["Body"].read()
        self.assertEqual(sha(got), sha(b"".join(parts)))

    def test_preconditions_hold(self):
        client = self.s3
        refuse = lambda params, **_: params["headers"].update({"If-None-Match": "*"})  # noqa: E731
        client.meta.events.register("before-call.s3.PutObject", refuse)
        try:
            client.put_object(Bucket="first", Key="once", Body=b"1")
            self.assertEqual(code_of(lambda: client.put_object(Bucket="first", Key="once", Body=b"2")),
                             (412, "PreconditionFailed"))
        finally:
            client.meta.events.unregister("before-call.s3.PutObject", refuse)
        self.assertEqual(client.get_object(Bucket="first", Key="once")["Body"].read(), b"1")

    def test_what_is_not_built_answers_501_and_changes_nothing(self):
        self.assertEqual(code_of(lambda: self.s3.delete_bucket_lifecycle(Bucket="first")), (501, "NotImplemented"))
        self.s3.head_bucket(Bucket="first")

    def test_the_aws_command_line(self):
        here = os.path.join(self.cluster.folder, "here")
        back = os.path.join(self.cluster.folder, "back")
        os.makedirs(os.path.join(here, "deep/er"))
        for i in range(60):
            with open(os.path.join(here, ("deep/er" if i % 2 else "."), f"file {i} ü.bin"), "wb") as file:
                file.write(content(i, i * 997))
        with open(os.path.join(here, "large"), "wb") as file:
            file.write(content("large", 20 << 20))  # over 8 MiB: awscli sends it in parts
        self.cluster.aws("s3", "mb", "s3://cli")
        self.cluster.aws("s3", "cp", "--recursive", "--quiet", here, "s3://cli/tree")
        self.cluster.aws("s3", "sync", "--quiet", "s3://cli/tree", back, name="n2")
        self.assertEqual(len(self.cluster.aws("s3", "ls", "--recursive", "s3://cli/tree", name="n3").splitlines()), 61)
        for folder, _, names in os.walk(here):
            for name in names:
                path = os.path.join(folder, name)
                self.assertTrue(filecmp.cmp(path, os.path.join(back, os.path.relpath(path, here)), shallow=False), path)
        buckets = json.loads(self.cluster.aws("s3api", "list-buckets", "--output", "json"))["Buckets"]
        self.assertIn("cli", [bucket["Name"] for bucket in buckets])
        self.cluster.aws("s3", "rb", "--force", "s3://cli")


if __name__ == "__main__":
    unittest.main()
