// What of this suite cannot run on the simulated driver, and why. All else must pass on it.
#include <array>

#include "support/support.hpp"

namespace ieum::test {
namespace {

constexpr const char* descriptors = "a simulated socket is no descriptor, and none is simulated";
constexpr const char* files = "looks at the files of Unix sockets, which a simulation has none of";
constexpr const char* processes = "another process cannot be in the simulation";
constexpr const char* namespaces = "sets up the system's network: tests/fault has its own";
constexpr const char* name_servers = "talks to a real name server";
constexpr const char* threads = "another thread is no part of a simulation";
constexpr const char* signals = "signals come from the system, not from a simulation";
constexpr const char* limits = "sets the system's limit of descriptors: tests/fault has its own";
constexpr const char* real_time = "measures against real time";

constexpr std::array table{
    NotSimulated{"DescriptorStreamOn*.*", descriptors},
    NotSimulated{"StandardStreams.*", descriptors},
    NotSimulated{"WaitForDescriptor.*", descriptors},
    NotSimulated{"Receive.of_a_pipe", descriptors},
    NotSimulated{"FewBuffers.a_pipe_finds_one_after_a_socket", descriptors},
    NotSimulated{"StopAndDeadline.*/wait_*able", descriptors},
    NotSimulated{"StopAndDeadline.*/read_pipe", descriptors},
    NotSimulated{"StopAndDeadline.*/read_polled", descriptors},
    NotSimulated{"Lifetimes.a_read_goes_on_past_an_urgent_byte", descriptors},
    NotSimulated{"Lifetimes.work_of_a_closed_stream_stays_with_its_own_file", descriptors},
    NotSimulated{"CloseOver.leaves_no_descriptor_to_a_child_process/*", descriptors},
    NotSimulated{"DescriptorsPassing.*", descriptors},
    NotSimulated{"Adopt.*", descriptors},
    NotSimulated{"Moved*.*", descriptors},
    NotSimulated{"Info.of_what_is_closed_or_of_another_kind_is_an_error", descriptors},
    NotSimulated{"Connect.to_a_unix_path_that_is_no_socket", files},
    NotSimulated{"UnixSocket.does_not_take_the_place_of_a_living_socket", files},
    NotSimulated{"UnixSocket.in_a_directory_that_does_not_exist", files},
    NotSimulated{"UnixSocket.leaves_a_file_that_is_no_longer_its_own", files},
    NotSimulated{"UnixSocket.never_removes_what_is_no_socket", files},
    NotSimulated{"UnixSocket.of_several_that_take_a_stale_files_place_one_listens", files},
    NotSimulated{"UnixSocket.removes_its_file_when_it_closes", files},
    NotSimulated{"UnixSocket.takes_a_place_where_there_is_nothing", files},
    NotSimulated{"UnixSocket.takes_the_place_of_a_stale_file_when_told_to", files},
    NotSimulated{"UnixSocket.whose_file_is_stale", files},
    NotSimulated{"UnixSocket.with_a_path_of_every_length", files},
    NotSimulated{"UnixSocket.knows_a_child_at_the_other_end", processes},
    NotSimulated{"Process.*", processes},
    NotSimulated{"OtherPrograms.*", processes},
    NotSimulated{"Reset.by_a_process_that_is_killed_*", processes},
    NotSimulated{"Listener.names_the_*", processes},
    NotSimulated{"*InNamespace.*", namespaces},
    NotSimulated{"Names.*", name_servers},
    NotSimulated{"NamesOfTheSystem.*", name_servers},
    NotSimulated{"ConnectByName.*", name_servers},
    NotSimulated{"ConnectByNameStopped.*", name_servers},
    NotSimulated{"HappyEyeballs.*", name_servers},
    NotSimulated{"Cores*.*", threads},
    NotSimulated{"ServeOnCores.*", threads},
    NotSimulated{"Runtimes.*", threads},
    NotSimulated{"Post.from_two_threads_runs_in_order_of_each", threads},
    NotSimulated{"Post.wakes_a_loop_that_waits", threads},
    NotSimulated{"Mailbox.takes_from_threads_without_a_runtime", threads},
    NotSimulated{"Mailbox.keeps_its_word_when_sends_and_receives_are_given_up", threads},
    NotSimulated{"StopFromOutside.reaches_run_from_another_thread", threads},
    NotSimulated{"StopAndDeadlineOfOffload.that_has_*", threads},
    NotSimulated{"Signals.*", signals},
    NotSimulated{"StopAndDeadline.*/signal", signals},
    NotSimulated{"DescriptorsExhausted.*", limits},
    NotSimulated{"Connect.without_a_descriptor_to_spare", limits},
    NotSimulated{"Explain.what_moves_is_not_called_stalled", real_time},
};

[[maybe_unused]] const bool left_out = leave_out_when_simulated(table);

}  // namespace
}  // namespace ieum::test
