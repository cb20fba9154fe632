"""The standard library's client; it closes every connection, so keep-alive is not its to show."""
import hashlib, json, os, urllib.request

base = os.environ["BASE"]
out = {"get": urllib.request.urlopen(base + "/hello", timeout=30).read().decode()}
request = urllib.request.Request(base + "/echo", data=b"posted", method="POST")
out["post"] = json.load(urllib.request.urlopen(request, timeout=30))["body"]
digest = hashlib.sha256()
with urllib.request.urlopen(base + "/bytes?n=" + os.environ["BYTES"], timeout=60) as answer:
    while part := answer.read(1 << 20):
        digest.update(part)
out["sha256"] = digest.hexdigest()
print(json.dumps(out))
