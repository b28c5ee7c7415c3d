"""Builds a sweep's binary and test from its .sweep.textproto file."""

def ecg_sweep(name, spec, experiments, testonly = False):
    """Builds the binary of a sweep, and a test that the sweep is valid.

        ecg_sweep(
            name = "grid_resnet18",
            spec = "grid_resnet18.sweep.textproto",
            experiments = ["resnet18_all"],
        )

    defines `grid_resnet18`, which starts the experiments' binaries, and `grid_resnet18_test`. An invalid sweep
    fails the build with `file:line:column: what is wrong; what would be right`.

    Args:
      name: the name of the binary.
      spec: the .sweep.textproto file.
      experiments: the targets of all experiments that the sweep names, each made by ecg_experiment.
      testonly: whether only tests may depend on it.
    """
    compiler = "//bazel:sweep_compiler"
    flags = ["--program=%s/%s" % (native.package_name(), name)]
    labels = [Label("//" + native.package_name()).relative(experiment) for experiment in experiments]
    for label in labels:
        flags.append("--experiment=%s/%s=$(execpath %s_spec)" % (label.package, label.name, label))
    native.genrule(
        name = name + "_main",
        testonly = testonly,
        srcs = [spec] + ["%s_spec" % label for label in labels],
        outs = [name + "_main.cc"],
        cmd = "$(execpath %s) --spec=$(execpath %s) %s --output=$@" % (compiler, spec, " ".join(flags)),
        message = "Compiling the sweep",
        tools = [compiler],
    )
    native.cc_binary(
        name = name,
        testonly = testonly,
        srcs = [name + "_main.cc"],
        data = [str(label) for label in labels],
        deps = ["//ecg/sweep:main"],
    )
    native.sh_test(
        name = name + "_test",
        size = "small",
        srcs = ["//bazel:run_command.sh"],
        args = [
            "$(rootpath :%s)" % name,
            "--list",
        ],
        data = [":" + name],
    )
