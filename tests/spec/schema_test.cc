// What must hold of proto/experiment.proto for ecg/spec to work. A new message or field that forgets an option fails
// here.

#include <memory>

#include "absl/status/status.h"
#include "ecg/spec/compiled.h"
#include "ecg/spec/range.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "proto/options.pb.h"

namespace ecg {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::OneofDescriptor;

// Calls `visit` for each message type that `message` can hold, and for its own.
template <typename Visit>
void ForEachMessageType(const Message& message, const Visit& visit) {
  visit(message);
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    if (field->message_type() == nullptr) continue;
    ForEachMessageType(*message.GetReflection()->GetMessageFactory()->GetPrototype(field->message_type()), visit);
  }
}

TEST(SchemaTest, SpellsEveryCompiledChoiceInCpp) {
  int types = 0;
  ForEachMessageType(spec::Experiment(), [&](const Message& message) {
    for (int i = 0; i < message.GetDescriptor()->oneof_decl_count(); ++i) {
      const OneofDescriptor* oneof = message.GetDescriptor()->oneof_decl(i);
      if (!oneof->options().GetExtension(spec::chosen_when_compiled)) continue;
      for (int k = 0; k < oneof->field_count(); ++k) {
        const Descriptor* alternative = oneof->field(k)->message_type();
        ASSERT_NE(alternative, nullptr) << oneof->field(k)->full_name() << " must be a message";
        const std::unique_ptr<Message> chosen(
            message.GetReflection()->GetMessageFactory()->GetPrototype(alternative)->New());
        EXPECT_EQ(CompiledTypeOf(*chosen).status(), absl::OkStatus());
        ++types;
        for (int m = 0; m < alternative->field_count(); ++m) {
          const FieldDescriptor* field = alternative->field(m);
          if (!field->options().GetExtension(spec::compiled_in) || field->enum_type() == nullptr) continue;
          for (int v = 0; v < field->enum_type()->value_count(); ++v) {
            chosen->GetReflection()->SetEnum(chosen.get(), field, field->enum_type()->value(v));
            EXPECT_EQ(CompiledTypeOf(*chosen).status(), absl::OkStatus());
          }
        }
      }
    }
  });
  EXPECT_GE(types, 3);
}

TEST(SchemaTest, SpellsEveryPartThatIsChosenWhenTheProgramRunsInCpp) {
  int parts = 0;
  ForEachMessageType(spec::Experiment(), [&](const Message& message) {
    for (int i = 0; i < message.GetDescriptor()->oneof_decl_count(); ++i) {
      const OneofDescriptor* oneof = message.GetDescriptor()->oneof_decl(i);
      if (!oneof->options().HasExtension(spec::part)) continue;
      bool takes_own = false;
      for (int k = 0; k < oneof->field_count(); ++k) {
        const Descriptor* alternative = oneof->field(k)->message_type();
        ASSERT_NE(alternative, nullptr) << oneof->field(k)->full_name() << " must be a message";
        takes_own |= alternative == spec::Own::descriptor();
        const Message& part = *message.GetReflection()->GetMessageFactory()->GetPrototype(alternative);
        EXPECT_EQ(CompiledTypeOf(part).status(), absl::OkStatus());
        ++parts;
      }
      EXPECT_TRUE(takes_own) << oneof->full_name() << " has no alternative for a part of one's own";
    }
  });
  EXPECT_GE(parts, 16);
}

TEST(SchemaTest, CompilesInNothingOutsideTheChoicesThatTheSpecCompilerSpells) {
  ForEachMessageType(spec::Experiment(), [&](const Message& message) {
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* field = message.GetDescriptor()->field(i);
      if (!field->options().GetExtension(spec::compiled_in)) continue;
      EXPECT_TRUE(message.GetDescriptor()->options().HasExtension(spec::cpp_type)) << field->full_name();
    }
  });
}

TEST(SchemaTest, GivesEveryFieldADefaultAndEveryNumberARange) {
  ForEachMessageType(spec::Experiment(), [&](const Message& message) {
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* field = message.GetDescriptor()->field(i);
      SCOPED_TRACE(field->full_name());
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_MESSAGE:
        case FieldDescriptor::CPPTYPE_STRING:  // absent can mean more than any text
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
        case FieldDescriptor::CPPTYPE_ENUM:
        case FieldDescriptor::CPPTYPE_INT64:  // a seed may be any number
          EXPECT_TRUE(field->is_repeated() || field->has_default_value());
          break;
        case FieldDescriptor::CPPTYPE_INT32:
        case FieldDescriptor::CPPTYPE_DOUBLE: {
          EXPECT_TRUE(field->options().HasExtension(spec::range));
          // A value of a custom part has no default here: it is a number or a text.
          if (field->is_repeated() || field->containing_type() == spec::NamedValue::descriptor()) break;
          EXPECT_TRUE(field->has_default_value());
          const double number = field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 ? field->default_value_int32()
                                                                                    : field->default_value_double();
          EXPECT_TRUE(InRange(field->options().GetExtension(spec::range), number));
          break;
        }
        default:
          ADD_FAILURE() << field->cpp_type_name()
                        << " is a type that ecg/spec does not read; use int32, int64 or double";
      }
    }
  });
}

TEST(SchemaTest, NamesDefaultAlternativesThatExist) {
  ForEachMessageType(spec::Experiment(), [&](const Message& message) {
    for (int i = 0; i < message.GetDescriptor()->oneof_decl_count(); ++i) {
      const OneofDescriptor* oneof = message.GetDescriptor()->oneof_decl(i);
      SCOPED_TRACE(oneof->full_name());
      const std::string& name = oneof->options().GetExtension(spec::default_alternative);
      EXPECT_NE(name.empty(), !oneof->options().GetExtension(spec::required))
          << "a oneof is required or has a default alternative, and not both";
      if (name.empty()) continue;
      const FieldDescriptor* alternative = message.GetDescriptor()->FindFieldByName(name);
      ASSERT_NE(alternative, nullptr) << name;
      EXPECT_EQ(alternative->containing_oneof(), oneof) << name;
    }
  });
}

}  // namespace
}  // namespace ecg
