"""Compiles the CUDA kernels to PTX: `python3 compile.py LIBNVRTC`, the library of NVRTC 12.2 (the wheel nvidia-cuda-nvrtc-cu12
12.2.140 has it; neither a GPU nor a CUDA toolkit is needed). Driver 535 and later read what it writes. Each file begins with a
hash of its sources, which a test in ptx.rs compares."""
import ctypes, pathlib, sys

HERE = pathlib.Path(__file__).parent
BOTH = ["normalise", "embed", "pooled_attention", "loss"]
FAMILIES = {"75": ["product_fp32", "attention_fp32", "optimizer", *BOTH], "80": ["product_bf16", "attention_bf16", *BOTH]}


def source_of(name: str) -> str:
    """One file with what it includes in its place: NVRTC then needs no folder."""
    seen: set[str] = set()

    def read(path: pathlib.Path) -> str:
        if path.name in seen:
            return ""
        seen.add(path.name)
        lines = path.read_text(encoding="utf8").splitlines()
        included = lambda line: read(path.parent / line.split('"')[1]) if line.startswith("#include") else line
        return "\n".join(included(line) for line in lines if line != "#pragma once")

    return read(HERE / "kernels" / f"{name}.cu")


def digest_of(source: str) -> int:
    """FNV-1a, 64 bits."""
    digest = 0xCBF29CE484222325
    for byte in source.encode():
        digest = (digest ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return digest


def compile_ptx(nvrtc: ctypes.CDLL, name: str, source: str, arch: str) -> bytes:
    def check(code: int) -> None:
        if code != 0:
            raise SystemExit(f"{name} for sm_{arch}: {log()}")

    program, size = ctypes.c_void_p(), ctypes.c_size_t()

    def log() -> str:
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, text)
        return text.value.decode()

    options = [f"--gpu-architecture=compute_{arch}".encode(), b"--std=c++17", b"--device-as-default-execution-space"]
    check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), f"{name}.cu".encode(), 0, None, None))
    check(nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options)))
    if log().strip():
        print(log(), file=sys.stderr)
    check(nvrtc.nvrtcGetPTXSize(program, ctypes.byref(size)))
    ptx = ctypes.create_string_buffer(size.value)
    check(nvrtc.nvrtcGetPTX(program, ptx))
    return ptx.value


def main() -> None:
    nvrtc = ctypes.CDLL(sys.argv[1])
    (HERE / "ptx").mkdir(exist_ok=True)
    for arch, names in FAMILIES.items():
        for name in names:
            source = source_of(name)
            path = HERE / "ptx" / f"{name}.sm_{arch}.ptx"
            ptx = f"// source {digest_of(source):016x}\n".encode() + compile_ptx(nvrtc, name, source, arch)
            path.write_bytes(ptx)


main()
