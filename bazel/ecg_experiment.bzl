"""From an experiment's .textproto file to its binary and its test."""

def ecg_experiment(name, spec, deps = [], test_args = None):
    """Builds the binary that runs an experiment, and tests that its spec is right.

        ecg_experiment(name = "resnet18_all", spec = "resnet18_all.textproto")

    gives the targets `resnet18_all`, whose sources are a `main` that the spec compiler writes, and `resnet18_all_test`.
    A wrong spec fails the build with `file:line:column: what is wrong; what would be right`.

    Args:
      name: the name of the binary.
      spec: the .textproto file.
      deps: the libraries of headers that the spec names, those of parts of your own.
      test_args: the test runs the binary with these arguments, such as ["--describe"]; with None it only checks the
        spec, which compiles nothing of the experiment.
    """
    compiler = "//bazel:spec_compiler"
    native.filegroup(
        name = name + "_spec",
        srcs = [spec],
    )
    native.genrule(
        name = name + "_main",
        srcs = [spec],
        outs = [name + "_main.cc"],
        cmd = "$(execpath {}) --spec=$< --name={} --output=$@".format(compiler, name),
        message = "Compiling the spec",
        tools = [compiler],
    )
    native.cc_binary(
        name = name,
        srcs = [name + "_main.cc"],
        deps = [
            "//ecg/corpus:datasets",
            "//ecg/experiment",
            "//ecg/experiment:main",
            "//ecg/model:backbones",
            "//ecg/model:head",
            "//ecg/spec:embedded_spec",
            "//ecg/train:objective",
        ] + deps,
    )
    tested = [compiler, "--spec=$(rootpath %s)" % spec, "--name=" + name] if test_args == None else [":" + name] + test_args
    native.sh_test(
        name = name + "_test",
        size = "small" if test_args == None else "medium",
        srcs = ["//bazel:run_command.sh"],
        args = ["$(rootpath %s)" % tested[0]] + tested[1:],
        data = [spec, tested[0]],
    )
