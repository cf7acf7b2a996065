"""The networks: how they are built, trained, measured and exported."""

import os

# ONNX Runtime reports its use to its makers unless it is told not to before it is imported. Nothing that is edited here
# is to cause any traffic.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
