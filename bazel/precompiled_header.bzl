"""A header that includes others and is compiled once, rather than in every object that includes them."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _precompiled_header_impl(ctx):
    compilation = cc_common.merge_cc_infos(cc_infos = [dep[CcInfo] for dep in ctx.attr.deps]).compilation_context
    header = ctx.actions.declare_file(ctx.label.name + ".h")
    ctx.actions.write(header, "".join(["#include \"%s\"\n" % path for path in ctx.attr.includes]))
    files = [header]

    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    action = "c++-compile"
    compiler = cc_common.get_tool_for_action(feature_configuration = features, action_name = action)
    if compiler.rpartition("/")[2].startswith("g"):
        # GCC takes NAME.h.gch beside NAME.h where it was compiled with the same flags, and NAME.h otherwise. Clang
        # would refuse it.
        compiled = ctx.actions.declare_file(header.basename + ".gch")
        variables = cc_common.create_compile_variables(
            feature_configuration = features,
            cc_toolchain = toolchain,
            source_file = header.path,
            output_file = compiled.path,
            user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + ["-x", "c++-header"],
            include_directories = compilation.includes,
            quote_include_directories = compilation.quote_includes,
            system_include_directories = compilation.system_includes,
            preprocessor_defines = compilation.defines,
            use_pic = toolchain.needs_pic_for_dynamic_libraries(feature_configuration = features),
        )
        flags = {"feature_configuration": features, "action_name": action, "variables": variables}
        ctx.actions.run(
            executable = compiler,
            arguments = cc_common.get_memory_inefficient_command_line(**flags),
            env = cc_common.get_environment_variables(**flags),
            inputs = depset([header], transitive = [compilation.headers, toolchain.all_files]),
            outputs = [compiled],
            mnemonic = "PrecompileHeader",
            progress_message = "Compiling %s ahead" % header.short_path,
        )
        files.append(compiled)

    own = CcInfo(compilation_context = cc_common.create_compilation_context(headers = depset(files)))
    return [cc_common.merge_cc_infos(cc_infos = [own] + [dep[CcInfo] for dep in ctx.attr.deps])]

precompiled_header = rule(
    implementation = _precompiled_header_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo], doc = "The libraries of these headers."),
        "includes": attr.string_list(mandatory = True, doc = "The headers, as sources include them."),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    doc = "Makes NAME.h, for `-include`, and with GCC its compiled form.",
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
