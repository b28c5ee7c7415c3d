"""Repository rules that make Bazel targets of the system's installed libraries."""

def _pkg_config(ctx, option, package):
    result = ctx.execute(["pkg-config", option, package])
    if result.return_code != 0:
        fail("pkg-config does not know '{}': run ./bazelw once, which installs what the project needs.\n{}".format(
            package,
            result.stderr,
        ))
    return result.stdout.strip()

def _linkopts(ctx, package):
    return _pkg_config(ctx, "--libs", package).split(" ")

def _write_versions_header(ctx, packages):
    # Bazel does not track headers under /usr/include. This header of their versions, which nobody includes, is a
    # tracked input instead: objects in the disk cache that were built with another compiler or library are not reused.
    lines = ["// " + ctx.execute(["g++", "--version"]).stdout.split("\n")[0]]
    for package in packages:
        lines.append("// {} {}".format(package, _pkg_config(ctx, "--modversion", package)))
    ctx.file("versions.h", "\n".join(lines) + "\n")

def _cc_library(name, linkopts = [], defines = []):
    # The headers are in /usr/include, which the compiler searches by itself and Bazel allows.
    return """cc_library(
    name = "{}",
    hdrs = ["versions.h"],
    defines = {},
    linkopts = {},
)
""".format(name, repr(defines), repr(linkopts))

def _system_libraries_impl(ctx):
    _write_versions_header(ctx, ctx.attr.packages + ctx.attr.headers_only)
    targets = ["""package(default_visibility = ["//visibility:public"])\n"""]
    for package in ctx.attr.packages:
        targets.append(_cc_library(package, _linkopts(ctx, package)))
    for name, flags in ctx.attr.without_pkg_config.items():
        targets.append(_cc_library(
            name,
            linkopts = [flag for flag in flags if flag.startswith("-l")],
            defines = [flag[2:] for flag in flags if flag.startswith("-D")],
        ))
    for name in ctx.attr.headers_only:
        targets.append(_cc_library(name))
    for name, path in ctx.attr.files.items():
        # Programs that embed the file do without it where it is missing.
        if ctx.path(path).exists:
            ctx.symlink(path, name)
        else:
            ctx.file(name, "")
        targets.append("exports_files([{}])\n".format(repr(name)))
    ctx.file("BUILD.bazel", "\n".join(targets))

system_libraries_repository = repository_rule(
    implementation = _system_libraries_impl,
    attrs = {
        "files": attr.string_dict(),
        "headers_only": attr.string_list(),
        "packages": attr.string_list(),
        "without_pkg_config": attr.string_list_dict(),
    },
    configure = True,
    doc = "One cc_library for each named library of the system, and the named files; a file that is missing is empty.",
    environ = ["PKG_CONFIG_PATH"],
    local = True,
)

def _protobuf_impl(ctx):
    _write_versions_header(ctx, ["protobuf"])
    ctx.symlink("/usr/bin/protoc", "protoc_binary")
    ctx.symlink("/usr/include/google/protobuf/descriptor.proto", "google/protobuf/descriptor.proto")
    ctx.file("BUILD.bazel", """package(default_visibility = ["//visibility:public"])

filegroup(
    name = "protoc",
    srcs = ["protoc_binary"],
)

cc_library(
    name = "protobuf",
    hdrs = ["versions.h"],
    linkopts = {linkopts},
)

proto_library(
    name = "descriptor_proto",
    srcs = ["google/protobuf/descriptor.proto"],
)

proto_lang_toolchain(
    name = "cc_toolchain",
    blacklisted_protos = [":descriptor_proto"],
    command_line = "--cpp_out=$(OUT)",
    runtime = ":protobuf",
)
""".format(linkopts = repr(_linkopts(ctx, "protobuf"))))

protobuf_repository = repository_rule(
    implementation = _protobuf_impl,
    configure = True,
    doc = "The system's protobuf under the names that Bazel's own proto rules look for.",
    local = True,
)

def _first(ctx, patterns):
    # The first file that matches one of the patterns, or "".
    return ctx.execute(["bash", "-c", "for pattern; do compgen -G \"$pattern\" && break; done | head -1", "bash"] + patterns).stdout.strip()

def _libtorch_impl(ctx):
    root = ctx.os.environ.get("LIBTORCH_ROOT", "")
    api = "include/torch/csrc/api/include"
    if root:
        # An unpacked official build, or the `torch` folder of a Python package: include/ and lib/.
        if not ctx.path(root + "/lib/libtorch_cpu.so").exists:
            fail("LIBTORCH_ROOT is '{}', but there is no lib/libtorch_cpu.so in it. Point it at an unpacked LibTorch, or unset it to use the system's.".format(root))

        # Until 2.6 PyTorch's Python packages used the pre-C++11 ABI of std::string, which Debian's protobuf and Abseil
        # do not. The mangled name is that of c10::Error's constructor, which takes a std::string by value.
        if ctx.execute(["grep", "-q", "ErrorC1ENS_14SourceLocationESs", root + "/lib/libc10.so"]).return_code == 0:
            fail("LIBTORCH_ROOT is '{}', a build with the pre-C++11 ABI, which cannot be linked with this system's protobuf and Abseil. Take a 'cxx11-abi' build, or version 2.7 or later.".format(root))
        ctx.symlink(root + "/include", "include")
        includes = ["include", api]
        linkopts = ["-L{}/lib".format(root), "-Wl,-rpath,{}/lib".format(root)]
        library_dir = root + "/lib"
    else:
        library_dir = None
        for candidate in ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"]:
            if ctx.path(candidate + "/libtorch_cpu.so").exists:
                library_dir = candidate
        if not library_dir:
            fail("LibTorch is not installed: run ./bazelw once, which installs what the project needs, or set LIBTORCH_ROOT to an unpacked LibTorch.")

        # The compiler searches /usr/include by itself. Tracking all 8,000 headers as inputs would make each sandboxed
        # compilation a third longer.
        ctx.symlink("/usr/" + api, api)
        includes = [api]
        linkopts = []

    linkopts += ["-ltorch", "-ltorch_cpu", "-lc10"]
    defines = []
    if ctx.path(library_dir + "/libtorch_cuda.so").exists:
        # Our code calls the CUDA runtime. It is beside LibTorch, in the packages that Python's `torch` depends on, or
        # in CUDA's own folder.
        cuda = ctx.os.environ.get("CUDA_HOME", "/usr/local/cuda")
        runtime = _first(ctx, [library_dir + "/libcudart*.so*", root + "/../nvidia/*/lib/libcudart.so*", cuda + "/lib64/libcudart.so*", cuda + "/lib/libcudart.so*"])
        include_dirs = [root + "/include", root + "/../nvidia/*/include"] if root else ["/usr/include"]
        header = _first(ctx, [folder + "/cuda_runtime_api.h" for folder in include_dirs + [cuda + "/include", "/usr/include"]])
        if not runtime or not header:
            fail("The LibTorch in '{}' has CUDA, but there is no {} for it. Install CUDA's runtime and headers (Debian: nvidia-cuda-dev), and set CUDA_HOME to their folder unless it is /usr or /usr/local/cuda.".format(library_dir, "cuda_runtime_api.h" if runtime else "libcudart.so"))
        if not ctx.path(header.rpartition("/")[0] + "/crt/host_config.h").exists:
            fail("CUDA's headers in '{}' are not all there: crt/host_config.h is missing. With Python's packages, install cuda-toolkit[crt] beside torch.".format(header.rpartition("/")[0]))
        if header != "/usr/include/cuda_runtime_api.h":
            ctx.symlink(header.rpartition("/")[0], "cuda_include")
            includes.append("cuda_include")
        nccl = _first(ctx, [root + "/include/nccl.h", root + "/../nvidia/nccl/include/nccl.h", cuda + "/include/nccl.h"])
        if nccl:
            ctx.symlink(nccl.rpartition("/")[0], "nccl_include")
            includes.append("nccl_include")
        defines.append("ECG_WITH_CUDA")

        # LibTorch's CUDA libraries register themselves when loaded, so link them although no symbol refers to them.
        # Their own dependencies are resolved at run time.
        linkopts += ["-Wl,--no-as-needed", "-ltorch_cuda", "-lc10_cuda", "-Wl,--as-needed", runtime]
        linkopts += ["-Wl,-rpath," + runtime.rpartition("/")[0], "-Wl,--allow-shlib-undefined"]

    ctx.file("BUILD.bazel", """package(default_visibility = ["//visibility:public"])

cc_library(
    name = "torch",
    hdrs = glob(["include/**/*.h", "include/**/*.hpp", "include/**/*.cuh", "cuda_include/**", "nccl_include/*.h"]),
    defines = {defines},
    includes = {includes},
    linkopts = {linkopts},
)
""".format(defines = repr(defines), includes = repr(includes), linkopts = repr(linkopts)))

libtorch_repository = repository_rule(
    implementation = _libtorch_impl,
    configure = True,
    doc = "LibTorch at $LIBTORCH_ROOT, else the system's; with CUDA when its library is there.",
    environ = ["CUDA_HOME", "LIBTORCH_ROOT"],
    local = True,
)
