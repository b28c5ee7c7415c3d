// pickle.h
//
// Python's pickles, read without executing code: a pickle is a program for a small stack machine, of which only the
// instructions that build plain data are executed here. A call of a Python function is described, not made.
// Instructions as in CPython's pickletools.py, protocols 2 to 4.
//
//   ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile("data.pkl"));
//   ECG_ASSIGN_OR_RETURN(const Pickle pickle, Pickle::Parse(bytes, {"collections.OrderedDict"}));
//   for (const PickledValue* item : pickle.top().items) std::cout << item->text;

#ifndef ECG_FILE_PICKLE_H_
#define ECG_FILE_PICKLE_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// PickledValue is one value of a pickle. Values refer to each other as they do in Python: a value may be part of
// several others, and even of itself, so a recursion needs a limit.
struct PickledValue {
  enum class Kind {
    kInteger,     // `integer`
    kText,        // `text`
    kTuple,       // `items`
    kList,        // `items`
    kDict,        // `items`: a key, its value, the next key, ...; a key may be there twice, and then the last counts
    kGlobal,      // `text`: a class or function of Python by its full name, such as "collections.OrderedDict"
    kCall,        // what calling the kGlobal items[0] with the kTuple items[1] would return
    kPersistent,  // a persistent id, items[0]: what the writer stored outside of the pickle
    kOther,       // None, a bool or a float
  };

  Kind kind = Kind::kOther;
  int64_t integer = 0;
  std::string text;
  std::vector<PickledValue*> items;
};

// Pickle is a parsed pickle, and owns its values.
class Pickle {
 public:
  // Parse executes the pickle `bytes`, in which the classes and functions called `globals` may occur. An
  // OrderedDict, if it is among them, becomes a kDict without its attributes. Anything else that is not plain data is
  // an error that names it and its byte. The values take up to some hundred times the memory of `bytes`.
  static absl::StatusOr<Pickle> Parse(absl::string_view bytes, const std::vector<absl::string_view>& globals) {
    Pickle pickle;
    Machine machine(bytes, globals, pickle.values_);
    ECG_ASSIGN_OR_RETURN(pickle.top_, machine.Run());
    return pickle;
  }

  const PickledValue& top() const { return *top_; }

 private:
  using Kind = PickledValue::Kind;

  // Machine executes a pickle. An error is stored and ends the execution after the instruction, so that not every step
  // of an instruction has to check for it.
  class Machine {
   public:
    Machine(absl::string_view bytes, const std::vector<absl::string_view>& globals, std::deque<PickledValue>& values)
        : bytes_(bytes), globals_(globals), values_(values) {}

    absl::StatusOr<const PickledValue*> Run() {
      while (fault_.ok()) {
        begin_ = position_;
        const uint8_t opcode = Number(1);
        if (opcode == kStop && fault_.ok()) {
          const PickledValue* top = Pop();
          if (fault_.ok()) return top;
        } else if (fault_.ok()) {
          Step(opcode);
        }
      }
      return fault_;
    }

   private:
    static constexpr uint8_t kStop = '.';

    void Step(uint8_t opcode) {
      if (!PushScalar(opcode) && !BuildContainer(opcode) && !BuildObject(opcode) && !UseMemo(opcode)) {
        Fail("the instruction ", NameOf(opcode), ", which plain data do not need");
      }
    }

    // The methods below execute the instruction `opcode`, or return false if it is not one of theirs.

    // PushScalar: what is pushed has no parts. PROTO and FRAME, which push nothing, are here too.
    bool PushScalar(uint8_t opcode) {
      switch (opcode) {
        case 0x80:  // PROTO
          Number(1);
          return true;
        case 0x95:  // FRAME
          Number(8);
          return true;
        case 'N':   // NONE
        case 0x88:  // NEWTRUE
        case 0x89:  // NEWFALSE
          Push(Kind::kOther);
          return true;
        case 'G':  // BINFLOAT
          Read(8);
          Push(Kind::kOther);
          return true;
        case 'J':  // BININT
          Push(Kind::kInteger).integer = static_cast<int32_t>(Number(4));
          return true;
        case 'K':  // BININT1
          Push(Kind::kInteger).integer = Number(1);
          return true;
        case 'M':  // BININT2
          Push(Kind::kInteger).integer = Number(2);
          return true;
        case 0x8a:  // LONG1: two's complement of any length
          PushLong(Number(1));
          return true;
        case 'X':  // BINUNICODE
          Push(Kind::kText).text = std::string(Read(Number(4)));
          return true;
        case 0x8c:  // SHORT_BINUNICODE
          Push(Kind::kText).text = std::string(Read(Number(1)));
          return true;
        default:
          return false;
      }
    }

    void PushLong(uint64_t size) {
      if (size > 8) return Fail("an integer of ", size, " bytes; expected at most 8");
      const int unused_bits = 64 - 8 * static_cast<int>(size);
      const uint64_t number = Number(size);
      Push(Kind::kInteger).integer =
          size == 0 ? 0 : static_cast<int64_t>(number << unused_bits) >> unused_bits;  // with its sign
    }

    // BuildContainer: tuples, lists and dicts.
    bool BuildContainer(uint8_t opcode) {
      switch (opcode) {
        case '(':  // MARK
          marks_.push_back(stack_.size());
          return true;
        case ')':  // EMPTY_TUPLE
          Push(Kind::kTuple);
          return true;
        case 0x85:  // TUPLE1
        case 0x86:  // TUPLE2
        case 0x87:  // TUPLE3
          PushTuple(PopLast(opcode - 0x84));
          return true;
        case 't':  // TUPLE
          PushTuple(PopToMark());
          return true;
        case ']':  // EMPTY_LIST
          Push(Kind::kList);
          return true;
        case 'a':  // APPEND
          Extend(Kind::kList, PopLast(1));
          return true;
        case 'e':  // APPENDS
          Extend(Kind::kList, PopToMark());
          return true;
        case '}':  // EMPTY_DICT
          Push(Kind::kDict);
          return true;
        case 's':  // SETITEM
          Extend(Kind::kDict, PopLast(2));
          return true;
        case 'u': {  // SETITEMS
          const std::vector<PickledValue*> items = PopToMark();
          if (items.size() % 2 != 0) Fail("a dict's key without a value");
          Extend(Kind::kDict, items);
          return true;
        }
        default:
          return false;
      }
    }

    // BuildObject: what refers to Python's classes and functions.
    bool BuildObject(uint8_t opcode) {
      switch (opcode) {
        case 'c': {  // GLOBAL
          const absl::string_view module = ReadLine(), name = ReadLine();
          PushGlobal(module, name);
          return true;
        }
        case 0x93: {  // STACK_GLOBAL
          const PickledValue *name = Pop(Kind::kText), *module = Pop(Kind::kText);
          PushGlobal(module->text, name->text);
          return true;
        }
        case 'Q': {  // BINPERSID
          PickledValue* id = Pop();
          Push(Kind::kPersistent).items = {id};
          return true;
        }
        case 'R': {  // REDUCE
          PickledValue *arguments = Pop(Kind::kTuple), *callee = Pop(Kind::kGlobal);
          PushCall(callee, arguments);
          return true;
        }
        case 'b':  // BUILD: the attributes of an object, such as a state dict's _metadata
          Pop();
          Push(Pop(Kind::kDict));
          return true;
        default:
          return false;
      }
    }

    void PushCall(PickledValue* callee, PickledValue* arguments) {
      if (callee->text != "collections.OrderedDict") {
        Push(Kind::kCall).items = {callee, arguments};
      } else if (arguments->items.empty()) {
        Push(Kind::kDict);
      } else {
        Fail("an OrderedDict that is made from something; expected an empty one");
      }
    }

    // UseMemo: values that are stored under a number and used again.
    bool UseMemo(uint8_t opcode) {
      switch (opcode) {
        case 'q':  // BINPUT
          Memoize(Number(1));
          return true;
        case 'r':  // LONG_BINPUT
          Memoize(Number(4));
          return true;
        case 0x94:  // MEMOIZE
          Memoize(memo_.size());
          return true;
        case 'h':  // BINGET
          PushMemo(Number(1));
          return true;
        case 'j':  // LONG_BINGET
          PushMemo(Number(4));
          return true;
        default:
          return false;
      }
    }

    // NameOf names the instructions that are not supported.
    static std::string NameOf(uint8_t opcode) {
      static constexpr std::pair<uint8_t, const char*> kNames[] = {{'0', "POP"},
                                                                   {'1', "POP_MARK"},
                                                                   {'2', "DUP"},
                                                                   {'F', "FLOAT"},
                                                                   {'I', "INT"},
                                                                   {'L', "LONG"},
                                                                   {'P', "PERSID"},
                                                                   {'S', "STRING"},
                                                                   {'T', "BINSTRING"},
                                                                   {'U', "SHORT_BINSTRING"},
                                                                   {'V', "UNICODE"},
                                                                   {'d', "DICT"},
                                                                   {'g', "GET"},
                                                                   {'i', "INST"},
                                                                   {'l', "LIST"},
                                                                   {'o', "OBJ"},
                                                                   {'p', "PUT"},
                                                                   {'B', "BINBYTES"},
                                                                   {'C', "SHORT_BINBYTES"},
                                                                   {0x81, "NEWOBJ"},
                                                                   {0x82, "EXT1"},
                                                                   {0x83, "EXT2"},
                                                                   {0x84, "EXT4"},
                                                                   {0x8b, "LONG4"},
                                                                   {0x8d, "BINUNICODE8"},
                                                                   {0x8e, "BINBYTES8"},
                                                                   {0x8f, "EMPTY_SET"},
                                                                   {0x90, "ADDITEMS"},
                                                                   {0x91, "FROZENSET"},
                                                                   {0x92, "NEWOBJ_EX"},
                                                                   {0x96, "BYTEARRAY8"},
                                                                   {0x97, "NEXT_BUFFER"},
                                                                   {0x98, "READONLY_BUFFER"}};
      for (const auto& [known, name] : kNames) {
        if (known == opcode) return name;
      }
      return absl::StrFormat("0x%02x, which is none of Python's", opcode);
    }

    template <typename... Parts>
    void Fail(const Parts&... what) {
      if (fault_.ok()) fault_ = absl::InvalidArgumentError(absl::StrCat("byte ", begin_, ": ", what...));
    }

    // Read returns the next `size` bytes.
    absl::string_view Read(uint64_t size) {
      if (size > bytes_.size() - position_) {
        Fail("it continues beyond the end, which is at byte ", bytes_.size());
        return "";
      }
      position_ += size;
      return bytes_.substr(position_ - size, size);
    }

    // ReadLine returns the bytes up to the next line feed, and skips that.
    absl::string_view ReadLine() {
      const size_t end = bytes_.find('\n', position_);
      const absl::string_view line = Read(end == absl::string_view::npos ? end : end - position_);
      Read(1);
      return line;
    }

    // Number reads an unsigned little-endian number of `size` bytes, at most 8.
    uint64_t Number(int size) {
      const absl::string_view bytes = Read(size);
      uint64_t number = 0;
      for (size_t i = 0; i < bytes.size(); ++i) number |= uint64_t{static_cast<uint8_t>(bytes[i])} << 8 * i;
      return number;
    }

    void Push(PickledValue* value) { stack_.push_back(value); }
    PickledValue& Push(Kind kind) {
      PickledValue& value = values_.emplace_back();
      value.kind = kind;
      Push(&value);
      return value;
    }
    void PushTuple(std::vector<PickledValue*> items) { Push(Kind::kTuple).items = std::move(items); }
    void PushGlobal(absl::string_view module, absl::string_view name) {
      const std::string full_name = absl::StrCat(module, ".", name);
      if (std::find(globals_.begin(), globals_.end(), full_name) == globals_.end()) {
        return Fail("the Python object ", absl::CHexEscape(full_name), ", which is not among those that may occur");
      }
      Push(Kind::kGlobal).text = full_name;
    }

    // PopLast takes the topmost `count` values, above any mark, in the order in which they were pushed.
    std::vector<PickledValue*> PopLast(size_t count) {
      const size_t bottom = marks_.empty() ? 0 : marks_.back();
      if (stack_.size() - bottom < count) {
        Fail("it takes a value that was never put on the stack");
        return std::vector<PickledValue*>(count, &values_.emplace_back());
      }
      std::vector<PickledValue*> items(stack_.end() - count, stack_.end());
      stack_.resize(stack_.size() - count);
      return items;
    }
    PickledValue* Pop() { return PopLast(1)[0]; }
    PickledValue* Pop(Kind kind) {
      PickledValue* value = Pop();
      if (value->kind != kind) Fail("it finds another kind of value on the stack than it needs");
      return value;
    }
    std::vector<PickledValue*> PopToMark() {
      if (marks_.empty()) {
        Fail("there is no mark on the stack");
        return {};
      }
      std::vector<PickledValue*> items = PopLast(stack_.size() - marks_.back());
      marks_.pop_back();
      return items;
    }

    // Extend puts `items` at the end of the list or dict that is on top of the stack.
    void Extend(Kind kind, const std::vector<PickledValue*>& items) {
      PickledValue* container = Pop(kind);
      Push(container);
      container->items.insert(container->items.end(), items.begin(), items.end());
    }

    void Memoize(uint64_t number) {
      memo_[number] = Pop();
      Push(memo_[number]);
    }
    void PushMemo(uint64_t number) {
      const auto found = memo_.find(number);
      if (found == memo_.end()) return Fail("it refers to value ", number, ", which was never stored");
      Push(found->second);
    }

    const absl::string_view bytes_;
    const std::vector<absl::string_view>& globals_;
    std::deque<PickledValue>& values_;  // whose elements stay where they are when it grows
    size_t position_ = 0, begin_ = 0;   // of the next byte, and of the instruction
    std::vector<PickledValue*> stack_;
    std::vector<size_t> marks_;  // heights of the stack
    std::unordered_map<uint64_t, PickledValue*> memo_;
    absl::Status fault_;
  };

  std::deque<PickledValue> values_;
  const PickledValue* top_ = nullptr;
};

}  // namespace ecg

#endif  // ECG_FILE_PICKLE_H_
