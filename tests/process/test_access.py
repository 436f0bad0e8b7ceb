"""Users, keys, policies and buckets from all access nodes in turn, while a tenth of the cache updates is lost on
purpose: no wrong refusal, no answer staler than the bound (Q4, Q16, X2, docs/decisions/0012)."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
from tests.support.cluster import ClusterTest  # noqa: E402

STALENESS_MAX = 1.0  # [cache.*] staleness_max of this cluster
SLACK = 0.2          # between the server's reckoning and this process
ROUNDS_SECONDS = 10
BUSY = ("SlowDown", "ServiceUnavailable", "Throttling")  # what SDKs try again by themselves


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, *resources, effect="Allow", **more):
    return {"Effect": effect, "Action": action, "Resource": list(resources), **more}


def arn(name):
    return f"arn:aws:iam::dunlin:policy/{name}"


class Access(ClusterTest):
    roles = '["database", "storage", "access", "queue"]'
    extra = "[faults]\ncache_update_loss = 0.1\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        import boto3
        from botocore.config import Config
        cls.session = boto3.session.Session()
        cls.config = Config(signature_version="s3v4", s3={"addressing_style": "path"},
                            retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)
        env = cls.cluster.environment()
        cls.region = env["AWS_DEFAULT_REGION"]
        cls.root_key = (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        cls.iam = [cls.client("iam", at) for at in range(3)]
        cls.root = [cls.client("s3", at) for at in range(3)]
        cls.oldest, cls.stale_answers, cls.answers = 0.0, 0, 0

    @classmethod
    def client(cls, service, at, key=None):
        key = key or cls.root_key
        config = cls.config if service == "s3" else cls.config.merge(type(cls.config)(signature_version="v4"))
        return cls.session.client(service, endpoint_url=cls.cluster.url(cls.cluster.names[at]),
                                  region_name=cls.region, config=config, aws_access_key_id=key[0],
                                  aws_secret_access_key=key[1])

    # ---- one call, and what it may answer ----

    def answer(self, call, **words):
        """("", reply), or (code of the error, None); asks again while the node is busy."""
        from botocore.exceptions import ClientError
        for _ in range(50):
            try:
                return "", call(**words)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code not in BUSY:
                    return code, None
            time.sleep(0.1)
        self.fail(f"busy for seconds: {code}")

    def do(self, call, **words):
        """A change, or a read, that has to succeed. When it was acknowledged."""
        code, reply = self.answer(call, **words)
        self.assertEqual(code, "", f"{call.__name__} {words}: a wrong refusal")
        self.last = reply
        return time.monotonic()

    def everywhere(self, clients, operation, **words):
        """No node may refuse, from now on."""
        replies = []
        for client in clients:
            self.do(getattr(client, operation), **words)
            replies.append(self.last)
        return replies

    def refused(self, acknowledged, at, codes, clients, operation, **words):
        """Refused at the node where it was changed at once, at the others within the bound; and then for good."""
        open_at = list(range(3))
        while open_at:
            for node in list(open_at):
                began = time.monotonic()
                code, _ = self.answer(getattr(clients[node], operation), **words)
                type(self).answers += 1
                if code:
                    self.assertIn(code, codes, f"{operation} {words}")
                    open_at.remove(node)
                    continue
                age = began - acknowledged
                type(self).oldest, type(self).stale_answers = max(self.oldest, age), self.stale_answers + 1
                self.assertNotEqual(node, at, f"{operation} {words}: stale at the writer's own node")
                self.assertLess(age, STALENESS_MAX + SLACK, f"{operation} {words}: staler than the bound")
            time.sleep(0.01)
        for client in clients:
            code, _ = self.answer(getattr(client, operation), **words)
            self.assertIn(code, codes, f"{operation} {words}: refused before, allowed again")

    # ---- a round: everything once, each step at the next node ----

    def round(self, number):
        a, b, c = number % 3, (number + 1) % 3, (number + 2) % 3
        iam, user, bucket, managed = self.iam, "alice", "comes-and-goes", "managed"
        in_bucket = {"Bucket": bucket}
        objects = f"arn:aws:s3:::{bucket}/*"

        self.do(iam[a].create_user, UserName=user)
        self.do(iam[b].create_access_key, UserName=user)
        key = self.last["AccessKey"]
        alice = [self.client("s3", at, (key["AccessKeyId"], key["SecretAccessKey"])) for at in range(3)]
        for client in alice:  # known everywhere at once, and may nothing
            self.assertEqual(self.answer(client.list_buckets)[0], "AccessDenied")
        self.do(iam[c].put_user_policy, UserName=user, PolicyName="makes", PolicyDocument=policy(
            allow(["s3:CreateBucket", "s3:ListAllMyBuckets"], "*")))
        self.everywhere(alice, "list_buckets")

        self.do(alice[a].create_bucket, **in_bucket)
        self.everywhere(alice, "head_bucket", **in_bucket)
        for node, body in ((b, b"one"), (c, b"another")):
            self.do(alice[node].put_object, Key="k", Body=body, **in_bucket)
            for got in self.everywhere(alice, "get_object", Key="k", **in_bucket):
                self.assertEqual(got["Body"].read(), body)

        denial = policy(allow("s3:GetObject", objects, effect="Deny", Principal={"AWS": user}))
        acked = self.do(alice[b].put_bucket_policy, Policy=denial, **in_bucket)
        self.refused(acked, b, ["AccessDenied"], alice, "get_object", Key="k", **in_bucket)
        self.everywhere(self.root, "get_object", Key="k", **in_bucket)
        self.do(alice[c].delete_bucket_policy, **in_bucket)
        self.everywhere(alice, "get_object", Key="k", **in_bucket)

        self.managed_policy(a, b, c, user, managed, alice)

        key_of = {"UserName": user, "AccessKeyId": key["AccessKeyId"]}
        acked = self.do(iam[b].update_access_key, Status="Inactive", **key_of)
        self.refused(acked, b, ["InvalidAccessKeyId"], alice, "list_buckets")
        self.do(iam[c].update_access_key, Status="Active", **key_of)
        self.everywhere(alice, "list_buckets")

        self.do(alice[a].delete_object, Key="k", **in_bucket)
        for client in alice:
            self.assertEqual(self.answer(client.get_object, Key="k", **in_bucket)[0], "NoSuchKey")
        acked = self.do(alice[b].delete_bucket, **in_bucket)
        self.refused(acked, b, ["404"], alice, "head_bucket", **in_bucket)

        self.do(iam[b].delete_user_policy, UserName=user, PolicyName="makes")
        acked = self.do(iam[c].delete_access_key, **key_of)
        self.refused(acked, c, ["InvalidAccessKeyId"], alice, "list_buckets")
        self.do(iam[a].delete_user, UserName=user)
        for client in iam:
            self.assertEqual(self.answer(client.get_user, UserName=user)[0], "NoSuchEntity")

    def managed_policy(self, a, b, c, user, managed, alice):
        """Alice may in another's bucket what the policy says, as long as she has it."""
        iam, lists = self.iam, {"Bucket": "kept"}
        yes = policy(allow("s3:ListBucket", "arn:aws:s3:::kept"))
        no = policy(allow("s3:ListBucket", "arn:aws:s3:::other"))
        having = {"UserName": user, "PolicyArn": arn(managed)}
        for client in alice:
            self.assertEqual(self.answer(client.list_objects_v2, **lists)[0], "AccessDenied")
        self.do(iam[a].create_policy, PolicyName=managed, PolicyDocument=yes)
        self.do(iam[b].attach_user_policy, **having)
        self.everywhere(alice, "list_objects_v2", **lists)
        acked = self.do(iam[c].create_policy_version, PolicyArn=arn(managed), PolicyDocument=no, SetAsDefault=True)
        self.refused(acked, c, ["AccessDenied"], alice, "list_objects_v2", **lists)
        self.do(iam[a].create_policy_version, PolicyArn=arn(managed), PolicyDocument=yes, SetAsDefault=True)
        self.everywhere(alice, "list_objects_v2", **lists)
        acked = self.do(iam[b].detach_user_policy, **having)
        self.refused(acked, b, ["AccessDenied"], alice, "list_objects_v2", **lists)
        self.do(iam[c].delete_policy, PolicyArn=arn(managed))

    def test_q16_x2_all_nodes_in_turn_with_a_tenth_of_the_updates_lost(self):
        self.do(self.root[0].create_bucket, Bucket="kept")
        began, rounds = time.monotonic(), 0
        while rounds < 3 or time.monotonic() - began < ROUNDS_SECONDS:
            self.round(rounds)
            rounds += 1
        lost = sum(self.cluster.ask_admin(name, "/faults")["dropped"]["cache_batch"] for name in self.cluster.names)
        print(f"{rounds} rounds, {lost} batches lost; {self.answers} looks after something was taken away: "
              f"{self.stale_answers} old answers, the oldest {1000 * self.oldest:.0f} ms "
              f"(bound {1000 * STALENESS_MAX:.0f} ms)", flush=True)
        self.assertGreater(lost, 0)

    # ---- the same with the command line ----

    def test_q16_the_aws_command_line_from_all_nodes_in_turn(self):
        turn = iter(self.cluster.names * 20)

        def aws(*words, key=None):
            said = self.cluster.aws(*words, name=next(turn), key=key)
            return json.loads(said) if said.strip() else None

        aws("iam", "create-user", "--user-name", "carol")
        made = aws("iam", "create-access-key", "--user-name", "carol")["AccessKey"]
        carol = (made["AccessKeyId"], made["SecretAccessKey"])
        aws("iam", "create-policy", "--policy-name", "carols", "--policy-document",
            policy(allow("s3:*", "arn:aws:s3:::carols", "arn:aws:s3:::carols/*")))
        aws("iam", "attach-user-policy", "--user-name", "carol", "--policy-arn", arn("carols"))
        aws("s3api", "create-bucket", "--bucket", "carols", key=carol)
        source = os.path.join(self.cluster.folder, "source")
        target = os.path.join(self.cluster.folder, "target")
        with open(source, "wb") as file:
            file.write(b"carol was here")
        aws("s3api", "put-object", "--bucket", "carols", "--key", "k", "--body", source, key=carol)
        aws("s3api", "get-object", "--bucket", "carols", "--key", "k", target, key=carol)
        with open(target, "rb") as file:
            self.assertEqual(file.read(), b"carol was here")
        narrower = policy(allow(["s3:GetObject", "s3:DeleteObject"], "arn:aws:s3:::carols/*"))
        changed = aws("iam", "create-policy-version", "--policy-arn", arn("carols"), "--set-as-default",
                      "--policy-document", narrower)["PolicyVersion"]
        read = aws("iam", "get-policy-version", "--policy-arn", arn("carols"), "--version-id", changed["VersionId"])
        self.assertEqual(read["PolicyVersion"]["Document"], json.loads(narrower))
        aws("s3api", "put-bucket-policy", "--bucket", "carols", "--policy",
            policy(allow("s3:GetObject", "arn:aws:s3:::carols/*", effect="Deny", Principal={"AWS": "carol"})), key=carol)
        time.sleep(STALENESS_MAX)
        with self.assertRaisesRegex(AssertionError, "AccessDenied"):
            aws("s3api", "get-object", "--bucket", "carols", "--key", "k", target, key=carol)
        aws("s3api", "delete-bucket-policy", "--bucket", "carols", key=carol)
        aws("s3", "rm", "s3://carols/k", "--quiet", key=carol)
        aws("s3api", "delete-bucket", "--bucket", "carols", key=carol)
        aws("iam", "update-access-key", "--user-name", "carol", "--access-key-id", carol[0], "--status", "Inactive")
        time.sleep(STALENESS_MAX)
        with self.assertRaisesRegex(AssertionError, "InvalidAccessKeyId"):
            aws("s3api", "list-buckets", key=carol)
        aws("iam", "detach-user-policy", "--user-name", "carol", "--policy-arn", arn("carols"))
        aws("iam", "delete-policy", "--policy-arn", arn("carols"))
        aws("iam", "delete-access-key", "--user-name", "carol", "--access-key-id", carol[0])
        aws("iam", "delete-user", "--user-name", "carol")
        self.assertNotIn("carol", [user["UserName"] for user in aws("iam", "list-users")["Users"]])


if __name__ == "__main__":
    unittest.main()
