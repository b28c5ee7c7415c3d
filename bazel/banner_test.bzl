"""A test that the examples in the banners of a folder's headers compile."""

load(":torch.bzl", "torch_test")

def banner_test(name = "banner_test", names = None, deps = [], exclude = []):
    """Defines a test that fails to build if an example in a banner does.

    Call it at the end of a BUILD file: it uses all headers of the folder, and all libraries defined above it.

    Args:
      name: of the test.
      names: label of a header that declares the names that examples use but do not declare, such as
        "//tests/file:banner_names.h"; see banner_examples.cc.
      deps: further libraries that the examples or `names` need.
      exclude: headers to leave out.
    """
    package = native.package_name()
    rules = [
        rule
        for rule in native.existing_rules().values()
        if rule["kind"] == "cc_library" and not rule.get("testonly", False)
    ]
    libraries = ["//{}:{}".format(package, rule["name"]) for rule in rules]
    includes_torch = any(["@libtorch//:torch" in rule["deps"] for rule in rules if "deps" in rule])
    headers = native.glob(["*.h"], exclude = exclude)
    native.genrule(
        name = name + "_source",
        testonly = True,
        srcs = headers,
        outs = [name + ".cc"],
        cmd = "$(location //bazel:banner_examples) --output=$@ {} {}".format(
            "--names=" + names.lstrip("/").replace(":", "/") if names else "",
            " ".join([package + "/" + header for header in headers]),
        ),
        tools = ["//bazel:banner_examples"],
    )
    test = torch_test if includes_torch else native.cc_test
    test(
        name = name,
        size = "small",
        srcs = [name + ".cc"] + ([names] if names else []),
        copts = [
            "-Wno-unused-value",
            "-Wno-unused-variable",
            "-Wno-unused-but-set-variable",
            "-Wno-unused-function",
        ],
        deps = depset(libraries + deps + [
            "//ecg/status:status_macros",
            "@system//:absl_status",
        ]).to_list(),
    )
