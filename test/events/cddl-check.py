"""Checks CBOR against a CDDL file with cddl-verifier: python3 cddl-check.py SCHEMA < requests, one JSON object a line.

A request is {"rule": NAME, "cbor": HEX}; its answer, on a line of its own, is null or what is wrong.
"""

import json
import sys
from pathlib import Path

from cddl_verifier import Validator
from cddl_verifier.cbor import CBORDecodeError

validator = Validator(Path(sys.argv[1]).read_text(encoding="utf-8"))
for line in sys.stdin:
    request = json.loads(line)
    try:
        result = validator.validate(bytes.fromhex(request["cbor"]), root_type=request["rule"])
        answer = None if result.valid else "; ".join(str(item) for item in result.diagnostics)[:400]
    except CBORDecodeError as error:
        answer = str(error)
    print(json.dumps(answer))
