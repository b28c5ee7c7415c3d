#include "ecg/spec/check.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/spec/field_path.h"
#include "ecg/spec/range.h"
#include "ecg/spec/sampling.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"
#include "proto/options.pb.h"

namespace ecg {

std::vector<Problem> CheckRanges(const google::protobuf::Message& message, const std::string& path) {
  std::vector<Problem> problems;
  ForEachPart(message, path, [&](const google::protobuf::Message& part, const std::string& part_path) {
    using google::protobuf::FieldDescriptor;
    const google::protobuf::Reflection& reflection = *part.GetReflection();
    std::vector<const FieldDescriptor*> present;
    reflection.ListFields(part, &present);
    for (const FieldDescriptor* field : present) {
      if (!field->options().HasExtension(spec::range)) continue;
      const spec::Range& range = field->options().GetExtension(spec::range);
      const auto check = [&](const std::string& field_path, auto number) {
        if (InRange(range, static_cast<double>(number))) return;
        problems.push_back({field_path, absl::StrCat(field_path, " is ", NumberInWords(number), "; it must be ",
                                                     RangeInWords(range))});
      };
      const std::string field_path = JoinPath(part_path, field->name());
      const auto check_all = [&](auto get, auto get_element) {
        if (!field->is_repeated()) return check(field_path, (reflection.*get)(part, field));
        for (int i = 0; i < reflection.FieldSize(part, field); ++i) {
          check(absl::StrCat(field_path, "[", i, "]"), (reflection.*get_element)(part, field, i));
        }
      };
      using google::protobuf::Reflection;
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_INT32:
          check_all(&Reflection::GetInt32, &Reflection::GetRepeatedInt32);
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          check_all(&Reflection::GetInt64, &Reflection::GetRepeatedInt64);
          break;
        case FieldDescriptor::CPPTYPE_DOUBLE:
          check_all(&Reflection::GetDouble, &Reflection::GetRepeatedDouble);
          break;
        default:
          break;
      }
    }
  });
  return problems;
}

namespace {

// CheckRequired finds the choices of `message`, which is at `path`, that must be made and are not.
std::vector<Problem> CheckRequired(const google::protobuf::Message& message, const std::string& path) {
  std::vector<Problem> problems;
  ForEachPart(message, path, [&](const google::protobuf::Message& part, const std::string& part_path) {
    for (int i = 0; i < part.GetDescriptor()->oneof_decl_count(); ++i) {
      const google::protobuf::OneofDescriptor* oneof = part.GetDescriptor()->oneof_decl(i);
      if (!oneof->options().GetExtension(spec::required) || part.GetReflection()->HasOneof(part, oneof)) continue;
      problems.push_back(
          {part_path, absl::StrCat(part_path.empty() ? "the experiment" : part_path, " has no ", oneof->name(),
                                   "; choose one: ", absl::StrJoin(AlternativeNames(*oneof), " {} or "), " {}")});
    }
  });
  return problems;
}

// IsDeviceName tells whether `name` is "cpu", "cuda" or "cuda:N".
bool IsDeviceName(absl::string_view name) {
  if (name == "cpu" || name == "cuda") return true;
  int index;
  return absl::ConsumePrefix(&name, "cuda:") && name.size() <= 3 &&
         name.find_first_not_of("0123456789") == absl::string_view::npos && absl::SimpleAtoi(name, &index);
}

// CheckOwnParts finds what the own parts in `spec` lack: a type, a header, names and values.
std::vector<Problem> CheckOwnParts(const spec::Experiment& spec) {
  std::vector<Problem> problems;
  const auto require = [&problems](bool given, const std::string& part, absl::string_view name,
                                   absl::string_view advice) {
    if (!given) problems.push_back({part, absl::StrCat(part, " has no ", name, "; ", advice)});
  };
  ForEachPart(spec, "", [&](const google::protobuf::Message& part, const std::string& path) {
    const auto check = [&](const auto& own) {
      require(!own.type().empty(), path, "type",
              "write the C++ type with its namespace, such as type: \"my::TinyConv\"");
      require(!own.header().empty(), path, "header",
              "write which file defines the type, from the root of the repository, such as header: "
              "\"examples/own_backbone/tiny_conv.h\"");
      std::set<std::string> names;
      for (int i = 0; i < own.values_size(); ++i) {
        const spec::NamedValue& value = own.values(i);
        const std::string value_path = absl::StrCat(path, ".values[", i, "]");
        require(!value.name().empty(), value_path, "name", "write what the part calls it, such as name: \"width\"");
        if (value.has_number() == value.has_text()) {
          problems.push_back(
              {value_path, absl::StrCat(value_path, " has ", value.has_text() ? "both a" : "neither a", " number ",
                                        value.has_text() ? "and" : "nor", " a text; write one, such as number: 32")});
        }
        if (!value.name().empty() && !names.insert(value.name()).second) {
          problems.push_back({value_path, absl::StrCat(value_path, " is called ", value.name(),
                                                       ", as one before it is; keep one of the two")});
        }
      }
    };
    if (part.GetDescriptor() == spec::Own::descriptor()) check(static_cast<const spec::Own&>(part));
    if (part.GetDescriptor() == spec::OwnBackbone::descriptor()) check(static_cast<const spec::OwnBackbone&>(part));
  });
  return problems;
}

// CheckFilters finds filters that signals of `sampling_frequency_hz` cannot pass.
void CheckFilters(const spec::Preprocessing& preprocessing, int sampling_frequency_hz, std::vector<Problem>& problems) {
  const auto below_half = [&](const char* path, double hz) {
    if (hz < 0.5 * sampling_frequency_hz) return;
    problems.push_back(
        {path, absl::StrCat(path, " is ", NumberInWords(hz), "; it must be less than ",
                            NumberInWords(0.5 * sampling_frequency_hz), ", half the sampling frequency")});
  };
  if (preprocessing.has_band_pass()) {
    const spec::BandPassFilter& band = preprocessing.band_pass();
    below_half("data.preprocessing.band_pass.high_hz", band.high_hz());
    if (band.low_hz() >= band.high_hz()) {
      problems.push_back({"data.preprocessing.band_pass.low_hz",
                          absl::StrCat("data.preprocessing.band_pass.low_hz is ", NumberInWords(band.low_hz()),
                                       "; it must be less than high_hz, which is ", NumberInWords(band.high_hz()))});
    }
  }
  if (preprocessing.has_notch()) below_half("data.preprocessing.notch.hz", preprocessing.notch().hz());
}

// CheckData finds what does not fit the dataset that is chosen in `spec`.
std::vector<Problem> CheckData(const spec::Experiment& spec) {
  std::vector<Problem> problems;
  const google::protobuf::Message* dataset = ChosenDataset(spec.data());
  if (dataset == nullptr) return problems;
  const std::string path =
      JoinPath("data", ChosenAlternative(spec.data(), spec.data().GetDescriptor()->FindOneofByName("dataset"))->name());
  const auto report = [&problems](const std::string& where, const absl::Status& status) {
    if (!status.ok()) problems.push_back({where, std::string(status.message())});
  };
  const int stated_hz = StatedSamplingFrequencyHz(spec.data());
  if (const int frequency_hz = PreprocessedSamplingFrequencyHz(spec.data(), stated_hz); frequency_hz > 0) {
    report("data.crop_seconds", CheckWholeSamples("data.crop_seconds", spec.data().crop_seconds(), frequency_hz));
    report("evaluation.stride_seconds",
           CheckWholeSamples("evaluation.stride_seconds", spec.evaluation().stride_seconds(), frequency_hz));
    CheckFilters(spec.data().preprocessing(), frequency_hz, problems);
  }
  if (stated_hz > 0 && dataset->GetDescriptor()->FindFieldByName("record_seconds") != nullptr &&
      StatedRecordSeconds(spec.data()) > 0) {
    const std::string field = JoinPath(path, "record_seconds");
    report(field, CheckWholeSamples(field, StatedRecordSeconds(spec.data()), stated_hz));
  }
  int splits = dataset->GetDescriptor()->options().GetExtension(spec::splits);
  if (const auto* field = dataset->GetDescriptor()->FindFieldByName("cross_validation"); field != nullptr) {
    if (const int number = dataset->GetReflection()->GetInt32(*dataset, field); number > 0) splits = number;
  }
  if (splits > 0 && spec.data().split() > splits) {
    problems.push_back({"data.split", absl::StrCat("data.split is ", spec.data().split(),
                                                   "; it must be at least 1 and at most ", splits)});
  }
  if (const double seconds = StatedRecordSeconds(spec.data()); seconds > 0 && spec.data().crop_seconds() > seconds) {
    problems.push_back({"data.crop_seconds",
                        absl::StrCat("data.crop_seconds is ", NumberInWords(spec.data().crop_seconds()),
                                     "; it must be at most ", NumberInWords(seconds), ", the length of a record")});
  }
  return problems;
}

// PretrainingHead returns the field of the head of `model` where it is for training without labels and so has no
// classes, or nullptr.
const google::protobuf::FieldDescriptor* PretrainingHead(const spec::Model& model) {
  const auto* head = ChosenAlternative(model, model.GetDescriptor()->FindOneofByName("head_choice"));
  return head != nullptr && head->message_type()->options().GetExtension(spec::pretrains) ? head : nullptr;
}

// CheckTogether finds what no range can tell: fields that accept a few values only, and fields that do not fit one
// another. Its numbers must be in their ranges.
std::vector<Problem> CheckTogether(const spec::Experiment& spec) {
  std::vector<Problem> problems;
  const auto report = [&](absl::string_view path, absl::string_view value, absl::string_view right) {
    problems.push_back({std::string(path), absl::StrCat(path, " is ", value, "; ", right)});
  };

  if (spec.data().has_target_versus_normal()) {
    const spec::TargetVersusNormal& target_versus_normal = spec.data().target_versus_normal();
    for (const auto& [path, code] : {std::pair{"data.target_versus_normal.statement", target_versus_normal.statement()},
                                     std::pair{"data.target_versus_normal.normal", target_versus_normal.normal()}}) {
      if (code.empty()) report(path, "not given", "it must be a statement of the corpus, such as \"AFIB\" of PTB-XL");
    }
    if (spec.data().ptb_xl().likelihood_targets()) {
      report("data.ptb_xl.likelihood_targets", "true",
             "the classes of data.target_versus_normal have no likelihoods; leave one of them out");
    }
    if (!target_versus_normal.normal().empty() && target_versus_normal.statement() == target_versus_normal.normal()) {
      report("data.target_versus_normal.statement", absl::StrCat("\"", target_versus_normal.statement(), "\""),
             "it must differ from normal");
    }
  } else if (spec.training().has_multi_class()) {
    problems.push_back(
        {"training.multi_class",
         "training.multi_class needs one class for each record; choose it with data.target_versus_normal { statement: "
         "... normal: ... }"});
  }
  if (spec.evaluation().stride_seconds() > spec.data().crop_seconds()) {
    report("evaluation.stride_seconds", NumberInWords(spec.evaluation().stride_seconds()),
           absl::StrCat("it must be at most data.crop_seconds, which is ", NumberInWords(spec.data().crop_seconds()),
                        ", or samples between two windows are never seen"));
  }

  for (const spec::Augmentation& one : spec.training().augmentation()) {
    if (one.has_amplitude_scale() && one.amplitude_scale().low() > one.amplitude_scale().high()) {
      report("training.augmentation.amplitude_scale.low", NumberInWords(one.amplitude_scale().low()),
             absl::StrCat("it must be at most high, which is ", NumberInWords(one.amplitude_scale().high())));
    }
  }

  const spec::Asymmetric& asymmetric = spec.training().multi_label().asymmetric();
  if (asymmetric.gamma_positive() > asymmetric.gamma_negative()) {
    report("training.multi_label.asymmetric.gamma_positive", NumberInWords(asymmetric.gamma_positive()),
           absl::StrCat("it must be at most gamma_negative, which is ", NumberInWords(asymmetric.gamma_negative())));
  }
  if (const int last_epochs = spec.training().averaged_weights().last_epochs(); last_epochs > 0) {
    if (last_epochs > spec.training().epochs()) {
      report("training.averaged_weights.last_epochs", absl::StrCat(last_epochs),
             absl::StrCat("it must be at most training.epochs, which is ", spec.training().epochs()));
    }
    if (spec.training().has_early_stopping() &&
        spec.training().early_stopping().patience() < spec.training().epochs()) {
      report("training.averaged_weights.last_epochs", absl::StrCat(last_epochs),
             absl::StrCat("training.early_stopping may stop before the last epochs; leave it out, or set its patience "
                          "to at least training.epochs, which is ",
                          spec.training().epochs()));
    }
  }

  const spec::Bootstrap& bootstrap = spec.evaluation().bootstrap();
  if (bootstrap.low_quantile() >= bootstrap.high_quantile()) {
    report("evaluation.bootstrap.low_quantile", NumberInWords(bootstrap.low_quantile()),
           absl::StrCat("it must be below high_quantile, which is ", NumberInWords(bootstrap.high_quantile())));
  }

  if (!IsDeviceName(spec.runtime().device())) {
    report("runtime.device", absl::StrCat("\"", spec.runtime().device(), "\""),
           "it must be \"cpu\", \"cuda\" or \"cuda:N\", such as \"cuda:0\"");
  }
  return problems;
}

// CheckModel finds fields of the network that do not fit one another. Its numbers must be in their ranges.
std::vector<Problem> CheckModel(const spec::Experiment& spec) {
  std::vector<Problem> problems;
  const auto report = [&](absl::string_view path, absl::string_view value, absl::string_view right) {
    problems.push_back({std::string(path), absl::StrCat(path, " is ", value, "; ", right)});
  };

  const spec::Model& model = spec.model();
  const auto chosen = [&model](const char* oneof) {
    return model.GetReflection()->GetOneofFieldDescriptor(model, model.GetDescriptor()->FindOneofByName(oneof));
  };
  if (const auto* backbone = chosen("backbone"), *head = chosen("head_choice");
      backbone != nullptr && head != nullptr) {
    const google::protobuf::Message& network = model.GetReflection()->GetMessage(model, backbone);
    const auto* own_head = network.GetDescriptor()->FindFieldByName("head");
    if (network.GetDescriptor()->options().GetExtension(spec::whole_network)) {
      report(
          absl::StrCat("model.", head->name()), "given",
          absl::StrCat("model.", backbone->name(), " takes no head, as its last layer gives the logits; leave it out"));
    } else if (own_head != nullptr && network.GetReflection()->HasField(network, own_head)) {
      report(absl::StrCat("model.", backbone->name(), ".head"), "given",
             absl::StrCat("model.", head->name(), " replaces that head; leave one of them out"));
    }
  }
  if (model.has_demographics()) {
    const auto* backbone = chosen("backbone");
    const bool widens = model.has_head() || model.has_linear_head() || model.has_own_head();
    const auto* options = backbone == nullptr ? nullptr : &backbone->message_type()->options();
    const bool has_other =
        options != nullptr && (options->GetExtension(spec::own_head) || options->GetExtension(spec::whole_network));
    if (model.has_attention_head() || PretrainingHead(model) != nullptr || (has_other && !widens)) {
      report("model.demographics", "given",
             "it is joined to the features before model.head or model.linear_head; choose one of them");
    }
  }
  if (model.ensemble_size() > 1 && PretrainingHead(model) != nullptr) {
    report("model.ensemble_size", absl::StrCat(model.ensemble_size()),
           "pre-training takes one network; leave it out, and fine-tune an ensemble of networks that start from it");
  }
  const auto check_heads = [&](absl::string_view part, const auto& attention) {
    if (attention.model_dim() % attention.heads() == 0) return;
    report(absl::StrCat("model.", part, ".heads"), absl::StrCat(attention.heads()),
           absl::StrCat("it must divide model_dim, which is ", attention.model_dim()));
  };
  if (model.has_transformer()) check_heads("transformer", model.transformer());
  if (model.has_vision_transformer()) check_heads("vision_transformer", model.vision_transformer());
  if (model.has_joint_embedding_head()) {
    const spec::JointEmbeddingHead& head = model.joint_embedding_head();
    check_heads("joint_embedding_head", head);
    if (head.min_visible_share() > head.max_visible_share()) {
      report("model.joint_embedding_head.min_visible_share", NumberInWords(head.min_visible_share()),
             absl::StrCat("it must be at most max_visible_share, which is ", NumberInWords(head.max_visible_share())));
    }
    if (head.teacher_decay() > head.final_teacher_decay()) {
      report(
          "model.joint_embedding_head.teacher_decay", NumberInWords(head.teacher_decay()),
          absl::StrCat("it must be at most final_teacher_decay, which is ", NumberInWords(head.final_teacher_decay())));
    }
  }
  return problems;
}

// CheckPretraining finds what does not fit together in training without labels, and in what fine-tuning starts from.
std::vector<Problem> CheckPretraining(const spec::Experiment& spec) {
  std::vector<Problem> problems;
  const auto report = [&](absl::string_view path, absl::string_view right) {
    problems.push_back({std::string(path), absl::StrCat(path, " is given; ", right)});
  };
  const spec::Model& model = spec.model();
  const spec::Training& training = spec.training();
  const auto* pretraining_head = PretrainingHead(model);
  if (pretraining_head != nullptr && !training.has_self_supervised()) {
    report(absl::StrCat("model.", pretraining_head->name()), "it has no classes, and needs training.self_supervised");
  }
  if (model.has_contrastive_head() && !model.has_s4_cpc() && !model.has_own()) {
    report("model.contrastive_head", "it needs a backbone with an encoding and a context, model.s4_cpc");
  }
  if (model.has_joint_embedding_head()) {
    if (!model.has_vision_transformer() && !model.has_own()) {
      report("model.joint_embedding_head", "it needs a backbone of patches, model.vision_transformer");
    }
    if (spec.runtime().cuda_graphs()) {
      report("model.joint_embedding_head",
             "it hides other patches in each step, which no CUDA graph can repeat; set runtime.cuda_graphs to false");
    }
  }
  if (training.has_self_supervised()) {
    if (pretraining_head == nullptr && !model.has_own()) {
      report("training.self_supervised",
             "the network must compute its own loss, such as with model.s4_cpc and model.contrastive_head");
    }
    if (!spec.evaluation().has_mean_logit() && !spec.evaluation().has_own_aggregation()) {
      report("training.self_supervised", "losses and scores of windows are averaged; choose evaluation.mean_logit");
    }
    if (spec.evaluation().metric_size() > 0) {
      report("evaluation.metric", "training.self_supervised has no classes to compute it of; leave it out");
    }
    if (spec.data().has_target_versus_normal()) {
      report("data.target_versus_normal", "training.self_supervised ignores labels; leave one of them out");
    }
  }
  for (int i = 0; i < training.start_from().part_size(); ++i) {
    if (!training.start_from().part(i).prefix().empty()) continue;
    const std::string part = absl::StrCat("training.start_from.part[", i, "]");
    problems.push_back({part, absl::StrCat(part,
                                           " has no prefix; write what the names of its parameters begin with, "
                                           "such as prefix: \"backbone\"")});
  }
  return problems;
}

}  // namespace

std::vector<Problem> CheckExperiment(const spec::Experiment& spec) {
  std::vector<Problem> problems = CheckRanges(spec);
  if (problems.empty()) {
    for (const auto& check : {CheckData, CheckTogether, CheckModel, CheckPretraining, CheckOwnParts}) {
      for (Problem& problem : check(spec)) problems.push_back(std::move(problem));
    }
  }
  for (Problem& missing : CheckRequired(spec, "")) problems.push_back(std::move(missing));
  return problems;
}

}  // namespace ecg
