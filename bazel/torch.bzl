"""cc_library, cc_test and cc_binary for sources that include LibTorch, directly or through other headers.

LibTorch's headers take more than half of the time that such a source takes to compile. With these rules the most used
ones are compiled once for all. Each source still includes what it uses.
"""

# -fpch-deps: Bazel reads the list of included headers, in which those behind the precompiled one would be missing.
_COPTS = ["-include", "bazel/torch_headers.h", "-fpch-deps"]
_DEPS = ["//bazel:torch_headers"]

def torch_library(copts = [], deps = [], **kwargs):
    native.cc_library(copts = _COPTS + copts, deps = deps + _DEPS, **kwargs)

def torch_test(copts = [], deps = [], **kwargs):
    native.cc_test(copts = _COPTS + copts, deps = deps + _DEPS, **kwargs)

def torch_binary(copts = [], deps = [], **kwargs):
    native.cc_binary(copts = _COPTS + copts, deps = deps + _DEPS, **kwargs)
