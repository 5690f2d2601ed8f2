"""What the GPUs do: asked of NVIDIA's driver, else of torch; else in words why nobody tells."""

from tui_finetune.telemetry.gpu_sample import GpuSample
from tui_finetune.telemetry.nvml import NvmlReader
from tui_finetune.telemetry.torch_gpus import own_gpus, sample_by_torch, unused_gpu


class GpuReader:
    """Reads the GPUs of this machine; opened once, read as often as wanted.

    `note` says in words why there are no samples; it is empty while there are.
    """

    def __init__(self) -> None:
        self._nvml = NvmlReader()
        self.note = self._nvml.note

    def read(self, pid: int) -> list[GpuSample]:
        """Return a sample for each GPU; [] and a `note` if there are none or nobody tells.

        `pid` is the process whose memory is the run's, with that of its children. Where the driver
        does not tell it, as often in a container, what torch holds in this process stands for it.
        """
        own = own_gpus()
        samples = self._nvml.read(pid, own)
        if not samples:
            samples = [sample_by_torch(gpu, self._nvml.note) for gpu in own]
        self.note = "" if samples else unused_gpu() or self._nvml.note
        return samples
