"""requests with one session, which keeps its connection to the proxy."""
import hashlib, json, os, requests

base = os.environ["BASE"]
session = requests.Session()
out = {"get": session.get(base + "/hello", timeout=30).text}
out["post"] = session.post(base + "/echo", data="posted", timeout=30).json()["body"]
digest = hashlib.sha256()
with session.get(base + "/bytes?n=" + os.environ["BYTES"], stream=True, timeout=60) as answer:
    for part in answer.iter_content(1 << 20):
        digest.update(part)
out["sha256"] = digest.hexdigest()
for _ in range(int(os.environ["AGAIN"])):
    session.get(base + "/hello", timeout=30).raise_for_status()
print(json.dumps(out))
