"""An S3 client that costs little CPU: one kept connection to one endpoint, signature V4 over http.client, no retries.
Whatever is no HTTP answer is told apart by whether the request can have reached the server."""
import hashlib
import hmac
import http.client
import time
import urllib.parse

EMPTY = hashlib.sha256(b"").hexdigest()


class NotSent(Exception):
    """Nothing of the request has left: it certainly had no effect."""


class NoAnswer(Exception):
    """The request may have arrived; what it did is not known."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def etag(self):
        return (self.headers.get("ETag") or "").strip('"')

    @property
    def code(self):
        """The <Code> of an S3 error; empty if there is none."""
        text = self.body[:1000].decode("utf-8", "replace")
        return text.partition("<Code>")[2].partition("</Code>")[0]


def _hmac(key, text):
    return hmac.digest(key, text.encode(), "sha256")


class S3Client:
    def __init__(self, host, port, environment, timeout=4.0):
        self.host, self.port, self.timeout = host, port, timeout
        self.access = environment["AWS_ACCESS_KEY_ID"]
        self.secret = environment["AWS_SECRET_ACCESS_KEY"]
        self.region = environment["AWS_DEFAULT_REGION"]
        self.connection = None
        self.day, self.key = "", b""

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def request(self, method, path, query=None, body=b"", headers=None):
        """One attempt. Raises NotSent or NoAnswer; every HTTP status is an answer."""
        target = urllib.parse.quote(path, safe="/-_.~")
        text = urllib.parse.urlencode(sorted((query or {}).items()), quote_via=urllib.parse.quote, safe="-_.~")
        signed = self.sign(method, target, text, body, headers or {})
        connection = self.connect()
        try:
            connection.request(method, target + ("?" + text if text else ""), body=body or None, headers=signed)
            answer = connection.getresponse()
            seen = Answer(answer.status, answer.headers, answer.read())
            if answer.will_close:
                self.close()
            return seen
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(f"{type(error).__name__}: {error}") from error

    def connect(self):
        if self.connection is None:
            made = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            try:
                made.connect()
            except OSError as error:
                made.close()
                raise NotSent(f"{type(error).__name__}: {error}") from error
            self.connection = made
        return self.connection

    def sign(self, method, target, query, body, headers):
        now = time.gmtime()
        stamp, day = time.strftime("%Y%m%dT%H%M%SZ", now), time.strftime("%Y%m%d", now)
        if day != self.day:
            key = _hmac(("AWS4" + self.secret).encode(), day)
            for part in (self.region, "s3", "aws4_request"):
                key = _hmac(key, part)
            self.day, self.key = day, key
        payload = hashlib.sha256(body).hexdigest() if body else EMPTY
        all_headers = {"host": f"{self.host}:{self.port}", "x-amz-content-sha256": payload, "x-amz-date": stamp}
        all_headers.update({name.lower(): value for name, value in headers.items()})
        names = ";".join(sorted(all_headers))
        lines = "".join(f"{name}:{all_headers[name]}\n" for name in sorted(all_headers))
        canonical = f"{method}\n{target}\n{query}\n{lines}\n{names}\n{payload}"
        scope = f"{day}/{self.region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        signature = _hmac(self.key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}").hex()
        all_headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access}/{scope}, "
                                        f"SignedHeaders={names}, Signature={signature}")
        if method in ("PUT", "POST"):
            all_headers["content-length"] = str(len(body))
        return all_headers
