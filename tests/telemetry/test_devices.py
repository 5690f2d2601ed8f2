"""What the machine can train on."""

import json
import subprocess
import sys

import torch

from tui_finetune.telemetry.devices import describe_devices


def test_the_description_is_torchs_and_fit_for_json() -> None:
    description = describe_devices()
    assert json.loads(json.dumps(description)) == description
    assert description["torch"] == torch.__version__
    assert description["cuda_available"] == torch.cuda.is_available()
    assert description["threads"] == torch.get_num_threads()
    assert description["host_memory_bytes"] > 0
    assert 1 <= description["cpu_usable"] <= description["cpu_count"]
    assert len(description["devices"]) == max(1, torch.cuda.device_count())


def test_torch_is_imported_only_when_it_is_needed() -> None:
    script = (
        "import sys; from tui_finetune.telemetry import devices, gpu, host;"
        "gpu.GpuReader().read(1); print({'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")
