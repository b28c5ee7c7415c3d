"""A C++ header with the content of a text file, so that a program carries it."""

def embed_text(name, src, constant):
    """Makes the library `name` with the header NAME.h, which defines ecg::CONSTANT, a string literal.

    Args:
      name: the library's name.
      src: the text file; it must not contain `)embedded"`.
      constant: the name of the constant, such as kPage.
    """
    native.genrule(
        name = name + "_header",
        srcs = [src],
        outs = [name + ".h"],
        cmd = "(printf '#pragma once\\nnamespace ecg {\\ninline constexpr char %s[] = R\"embedded(' " + constant +
              " && cat $< && printf ')embedded\";\\n}  // namespace ecg\\n') > $@",
    )
    native.cc_library(
        name = name,
        hdrs = [name + ".h"],
    )
