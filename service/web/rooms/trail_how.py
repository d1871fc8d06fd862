"""The printed page: how to check a bundle without the vendor, with what every machine has.

The commands stand here once; the page prints them, and the tests run them as they are printed.
"""

from typing import Final

from service.web.rooms.here import Here
from service.web.views.trail import HowPage, HowStep

_LEAF: Final = r"""(printf '\0'; head -n 1 records.ndjson | tr -d '\n') | sha256sum"""

_TREE: Final = """\
cat > check.py <<'END'
import base64, hashlib, json, pathlib

def sha(data):
    return hashlib.sha256(data).digest()

signed = {}
for path in pathlib.Path("checkpoints").glob("*.checkpoint"):
    name, size, root = path.read_text().split("\\n")[:3]
    signed[int(size)] = base64.b64decode(root)
lines = pathlib.Path("records.ndjson").read_bytes().split(b"\\n")[:-1]
proofs, wrong, peaks = pathlib.Path("proofs.ndjson"), 0, []
if proofs.exists():                      # some records, each with its proof
    for line, proof in zip(lines, map(json.loads, proofs.open()), strict=True):
        node, index, last = sha(b"\\0" + line), proof["seq"] - 1, proof["size"] - 1
        for step in map(bytes.fromhex, proof["path"]):
            left = index & 1 or index == last
            node = sha(b"\\1" + (step + node if left else node + step))
            while left and index and not index & 1:
                index, last = index >> 1, last >> 1
            index, last = index >> 1, last >> 1
        good = node == signed.get(proof["size"]) and json.loads(line)["seq"] == proof["seq"]
        print("record", proof["seq"], "agrees" if good else "DIFFERS")
        wrong += not good
else:                                    # the whole trail, from the first record
    for size, line in enumerate(lines, 1):
        peaks.append((1, sha(b"\\0" + line)))
        while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
            (width, right), (_, left) = peaks.pop(), peaks.pop()
            peaks.append((2 * width, sha(b"\\1" + left + right)))
        if json.loads(line)["seq"] != size:
            print("record", size, "is MISSING or out of place")
            wrong += 1
        if size in signed:
            root = peaks[-1][1]
            for _, left in reversed(peaks[:-1]):
                root = sha(b"\\1" + left + root)
            good = root == signed[size]
            print("records 1 to", size, "agree" if good else "DIFFER")
            wrong += not good
    for size in sorted(size for size in signed if size > len(lines)):
        print("signed, but CUT OFF: records", len(lines) + 1, "to", size)
        wrong += 1
raise SystemExit(1 if wrong else 0)
END
python3 check.py"""

_SIGNATURE: Final = r"""for note in checkpoints/*.checkpoint; do
  sed '/^$/,$d' "$note" > signed.txt
  sed '1,/^$/d' "$note" | head -n 1 | cut -d' ' -f3 | base64 -d | tail -c +5 > signature.bin
  (printf '\060\052\060\005\006\003\053\145\160\003\041\000'
   head -n 1 trail.pub | cut -d+ -f3- | base64 -d | tail -c +2) > key.der
  openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin \
    -in signed.txt -sigfile signature.bin || exit 1
done"""

_COMPARE: Final = """for kept in "$KEPT"/*.checkpoint; do
  cmp "$kept" "checkpoints/$(basename "$kept")" || exit 1
done"""

COMMANDS: Final = {
    "unpack": "unzip trail-*.zip\ncd trail",
    "leaf": _LEAF,
    "tree": _TREE,
    "signature": _SIGNATURE,
    "compare": _COMPARE,
}


def how_page(here: Here) -> HowPage:
    """The page; the public key is printed on it, so that it comes on another way than the file."""
    text = here.text
    return HowPage(
        key=str(here.app.keys.trail.verifier),
        steps=tuple(
            HowStep(text(f"ui.how.{name}"), text(f"ui.how.{name}_text"), command)
            for name, command in COMMANDS.items()
        ),
    )
