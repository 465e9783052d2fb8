"""Images by any encoder that was exported to ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key, sha256_file
from fieldguide.models.encoders.network import NetworkEncoder
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.encoders.section import ONNXEncoder
from fieldguide.models.loading.compute import Compute, Inputs
from fieldguide.models.loading.protocols import Modality
from fieldguide.models.loading.torchvision import declare_operators

KIND = "onnx"
_VERSION = 1
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


@ENCODERS.register(KIND, modules=("torch", "torchvision", "onnxruntime"), files={"weights": ()}, modalities=("image",))
class ONNX(NetworkEncoder):
    """One file with the weights in it, from (n, 3, size, size) float32 to (n, dimension). Encodes no texts."""

    kind = KIND
    modalities: frozenset[Modality] = frozenset({"image"})

    def __init__(self, name: str, spec: ONNXEncoder, root: Path) -> None:
        self._spec = spec
        self._path = root / spec.weights
        compute = Compute.of(name, spec)
        self._session = self._open(name, compute)
        self._input, self._output = self._ends(name, spec)
        settings = spec.model_dump(mode="json", exclude={"kind", "dtype", "weights", "device", "precision", "batch"})
        revision = content_key(
            kind=KIND, version=_VERSION, weights=sha256_file(self._path), **compute.key, settings=settings
        )
        super().__init__(name, compute, int(self._output.shape[1]), revision)

    def prepare_image(self, image: Image.Image) -> Inputs:
        """See `NetworkEncoder`."""
        return {"image": self.loaded(image.convert("RGB"))}

    def _embed_images(self, inputs: dict[str, Any]) -> Any:
        import torch

        pixels = inputs["image"].float().cpu().numpy()
        return torch.from_numpy(self._session.run([self._output.name], {self._input.name: pixels})[0])

    def _load(self) -> Any:
        declare_operators()
        from torchvision.transforms import v2

        spec, how = self._spec, v2.InterpolationMode(self._spec.interpolation)
        return v2.Compose(
            [
                v2.Resize(spec.resize or spec.size, interpolation=how, antialias=True),
                v2.CenterCrop(spec.size),
                v2.PILToTensor(),
                v2.ConvertImageDtype(),
                v2.Normalize(list(spec.mean), list(spec.std)),
            ]
        )

    def _open(self, name: str, compute: Compute) -> Any:
        import onnxruntime

        provider = _PROVIDERS[compute.device]
        if provider not in onnxruntime.get_available_providers():
            there = ", ".join(onnxruntime.get_available_providers())
            raise FieldguideError(f"encoders.{name}.device is {compute.device}; this onnxruntime has {there}")
        options = onnxruntime.SessionOptions()
        # One thread a forward pass: sums do not depend on how many cores there are, and passes run side by side.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            # From bytes, so that the file cannot name others to be read beside it.
            return onnxruntime.InferenceSession(self._path.read_bytes(), options, providers=[provider])
        except Exception as error:  # onnxruntime's own errors share no other base
            reason = str(error).strip().splitlines()[0]
            raise FieldguideError(
                f"{self._path}: onnxruntime cannot load this: {reason}; it has to be one file with all its weights"
            ) from None

    def _ends(self, name: str, spec: ONNXEncoder) -> tuple[Any, Any]:
        """The input and the output that are used, by name and shape."""
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            found = "; ".join(f"{i.name}: {i.type} {i.shape}" for i in inputs)
            raise FieldguideError(f"{self._path}: takes {found}; expected one float input (n, 3, height, width)")
        for wanted, have in zip((spec.batch, 3, spec.size, spec.size), inputs[0].shape, strict=True):
            if isinstance(have, int) and have != wanted:
                said = f"batch {spec.batch} and size {spec.size}"
                raise FieldguideError(f"encoders.{name} has {said}; {self._path} takes {inputs[0].shape}")
        chosen = [o for o in outputs if spec.output in (None, o.name)]
        if not chosen:
            raise FieldguideError(
                f"encoders.{name}.output is {spec.output!r}; {self._path} has {', '.join(o.name for o in outputs)}"
            )
        shape = chosen[0].shape
        if len(shape) != 2 or not isinstance(shape[1], int):
            raise FieldguideError(f"{self._path}: output {chosen[0].name} is {shape}; expected (n, dimension)")
        return inputs[0], chosen[0]
