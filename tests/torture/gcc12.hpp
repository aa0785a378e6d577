// The one list of what g++ 12.2 gets wrong: idioms that are left out when it compiles the suite,
// each with what it does to them. docs/gcc12.md tells users; `./dev tidy` finds them in our own
// code.
#pragma once

#include <string_view>

namespace ieum::test {

struct LeftOut {
  enum How {
    refused,     ///< it does not compile (guarded where it stands)
    all,         ///< it is miscompiled
    exceptions,  ///< right for failures, wrong for exceptions: only those are left out
  };
  std::string_view idiom;
  How how;
  std::string_view reason;
};

#if defined(IEUM_COMPILER_IS_GCC12)
inline constexpr std::string_view late =
    "all awaits of an expression are gone through before the "
    "first one's exception is rethrown";
inline constexpr LeftOut left_out[] = {
    // An initializer_list: "array used as initializer".
    {"initialiser_list_of_numbers", LeftOut::refused, "a list of awaited values"},
    {"initialiser_list_of_objects", LeftOut::refused, "a list of awaited values"},
    {"range_for_with_initialiser", LeftOut::refused, "a list of awaited values"},
    // Conditions without a declaration.
    {"if_with_comparison", LeftOut::all, "the frame is resumed at a wrong place"},
    {"if_on_an_awaited_object", LeftOut::all, "the frame is resumed at a wrong place"},
    {"if_negated", LeftOut::all, "the frame is resumed at a wrong place"},
    // ?: with class arms, or within a larger expression.
    {"conditional_with_class_arms", LeftOut::all, "the arm is copied bitwise"},
    {"conditional_with_awaited_class_arms", LeftOut::all, "the arm is copied bitwise"},
    {"conditional_with_an_awaited_and_a_plain_arm", LeftOut::all, "the arm is copied bitwise"},
    {"return_of_a_conditional", LeftOut::all, "both arms are awaited"},
    {"awaited_failure_among_temporaries", LeftOut::all, "both arms are awaited"},
    // Aggregates with members that are not trivial.
    {"initialiser_of_an_aggregate", LeftOut::all, "members are copied bitwise"},
    {"initialiser_of_a_designated_aggregate", LeftOut::all, "members are copied bitwise"},
    {"aggregate_as_a_temporary", LeftOut::all, "members are copied bitwise"},
    {"aggregate_with_plain_objects_first", LeftOut::all, "members are copied bitwise"},
    {"aggregate_as_argument_of_a_task", LeftOut::all, "members are copied bitwise"},
    {"designated_aggregate_as_argument_of_a_task", LeftOut::all, "members are copied bitwise"},
    {"aggregate_within_an_aggregate", LeftOut::all, "members are made in a wrong order"},
    {"initialiser_of_an_array_of_objects", LeftOut::all, "elements are copied bitwise"},
    {"initialiser_of_a_std_array", LeftOut::all, "elements are copied bitwise"},
    // Lambdas with captures in an expression that awaits.
    {"call_of_a_capturing_temporary_lambda", LeftOut::all, "captures are copied bitwise"},
    {"lambda_that_captures_what_was_awaited", LeftOut::all, "captures are copied bitwise"},
    {"lambda_that_captures_and_goes_into_an_await", LeftOut::all, "captures are copied bitwise"},
    // Order.
    {"logic_with_temporaries", LeftOut::all, "temporaries are made before the first await"},
    {"stream_operators", LeftOut::all, "later awaits come before earlier ones"},
    {"child_is_gone_before_its_value_is_used", LeftOut::all,
     "later awaits come before earlier ones"},
    {"key_and_value_of_a_map", LeftOut::all, "the left side is awaited before the right one"},
    {"binary_operators", LeftOut::exceptions, late},
    {"arguments_of_a_function", LeftOut::exceptions, late},
    {"arguments_between_temporaries", LeftOut::exceptions, late},
    {"initialiser_of_a_trivial_aggregate", LeftOut::exceptions, late},
    {"initialiser_of_a_designated_trivial_aggregate", LeftOut::exceptions, late},
    {"initialiser_of_an_array_of_numbers", LeftOut::exceptions, late},
    // Frames.
    {"overaligned_local", LeftOut::all, "frames are aligned to 16 bytes only"},
};
#else
inline constexpr LeftOut left_out[] = {{"none", LeftOut::all, ""}};
#endif

constexpr bool is_left_out(std::string_view idiom, LeftOut::How how) {
  for (const LeftOut& one : left_out) {
    if (one.idiom == idiom && one.how == how) return true;
  }
  return false;
}

}  // namespace ieum::test
