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
constexpr const char* threads = "a thread acts in real time, for which virtual time does not wait";
constexpr const char* moving = "a listener cannot move to another core, which is a host of its own";
constexpr const char* inline_work = "blocking work is done inline, and has never only begun";
constexpr const char* signals = "signals come from the system, not from a simulation";
constexpr const char* limits = "sets the system's limit of descriptors: tests/fault has its own";
constexpr const char* segmentation = "several datagrams never travel as one message there";
constexpr const char* kernel = "makes the kernel's calls fail: tests/fault has its own faults";
constexpr const char* real_time = "measures against real time";

constexpr std::array table{
    NotSimulated{"DescriptorStreamOnPipe.*", descriptors},
    NotSimulated{"DescriptorStreamOnSocket.*", descriptors},
    NotSimulated{"DescriptorStreamOnTerminal.*", descriptors},
    NotSimulated{"StandardStreams.on_pipes", descriptors},
    NotSimulated{"WaitForDescriptor.[!o]*", descriptors},
    NotSimulated{"WaitForDescriptor.of_a_regular_file_is_always_ready", descriptors},
    NotSimulated{"Receive.of_a_pipe", descriptors},
    NotSimulated{"FewBuffers.a_pipe_finds_one_after_a_socket", descriptors},
    NotSimulated{"StopAndDeadline.*/read_pipe", descriptors},
    NotSimulated{"StopAndDeadline.*/read_polled", descriptors},
    NotSimulated{"Lifetimes.a_read_goes_on_past_an_urgent_byte", descriptors},
    NotSimulated{"Lifetimes.work_of_a_closed_stream_stays_with_its_own_file", descriptors},
    NotSimulated{"CloseOver.leaves_no_descriptor_to_a_child_process/*", descriptors},
    NotSimulated{"DescriptorsPassing.are_closed_by_a_plain_read", descriptors},
    NotSimulated{"DescriptorsPassing.are_closed_with_a_socket_that_nobody_read", descriptors},
    NotSimulated{"DescriptorsPassing.as_many_as_can_be", descriptors},
    NotSimulated{"DescriptorsPassing.closes_all_when_the_system_cannot_open_some", descriptors},
    NotSimulated{"DescriptorsPassing.closes_those_that_were_not_wanted_and_says_so", descriptors},
    NotSimulated{"DescriptorsPassing.go_with_the_first_byte_of_much_data", descriptors},
    NotSimulated{"DescriptorsPassing.hands_a_tcp_connection_to_a_child_process", descriptors},
    NotSimulated{"DescriptorsPassing.ignores_what_else_a_foreign_socket_is_set_to_tell",
                 descriptors},
    NotSimulated{"DescriptorsPassing.keep_the_order_of_their_messages", descriptors},
    NotSimulated{"DescriptorsPassing.one", descriptors},
    NotSimulated{"DescriptorsPassing.refuses_bad_input", descriptors},
    NotSimulated{"DescriptorsPassing.waits_for_room_and_for_arrival", descriptors},
    NotSimulated{"Adopt.a_*", descriptors},
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
    NotSimulated{"Process.[!c]*", processes},
    NotSimulated{"OtherPrograms.*", processes},
    NotSimulated{"Reset.by_a_process_that_is_killed_*", processes},
    NotSimulated{"Listener.names_the_*", processes},
    NotSimulated{"PortOwner.is_[!n]*", processes},
    NotSimulated{"PortOwner.is_not_*", processes},
    NotSimulated{"PortOwner.of_a_unix_path_*", files},
    NotSimulated{"*InNamespace.*", namespaces},
    NotSimulated{"Names.a_question_that_was_lost_is_asked_again", name_servers},
    NotSimulated{"Names.a_runtime_ends_in_the_middle_of_a_resolution", name_servers},
    NotSimulated{"Names.a_server_that_never_answers_is_waited_for_until_the_deadline",
                 name_servers},
    NotSimulated{"Names.a_stop_ends_a_resolution_at_once", name_servers},
    NotSimulated{"Names.a_stop_reaches_those_that_wait_for_their_turn", name_servers},
    NotSimulated{"Names.a_thousand_at_once_stay_within_the_bound", name_servers},
    NotSimulated{"Names.a_truncated_answer_is_asked_for_by_tcp", name_servers},
    NotSimulated{"Names.addresses_come_with_the_port", name_servers},
    NotSimulated{"Names.both_families_are_asked_for_and_ordered", name_servers},
    NotSimulated{"Names.failures_have_codes", name_servers},
    NotSimulated{"Names.failures_tell_what_is_wrong", name_servers},
    NotSimulated{"Names.no_more_addresses_than_the_maximum", name_servers},
    NotSimulated{"Names.nobody_listens_where_the_server_should_be", name_servers},
    NotSimulated{"Names.one_family_alone_if_asked_for", name_servers},
    NotSimulated{"Names.the_loop_goes_on_meanwhile", name_servers},
    NotSimulated{"Names.without_a_descriptor_to_spare", name_servers},
    NotSimulated{"Names.the_limit_is_an_option", name_servers},
    NotSimulated{"Names.those_that_nobody_answers_do_not_hold_up_others", name_servers},
    NotSimulated{"Names.a_server_that_is_silent_does_not_hold_up_those_of_others", name_servers},
    NotSimulated{"Names.what_several_ask_for_is_asked_once", name_servers},
    NotSimulated{"Names.each_gets_its_own_port", name_servers},
    NotSimulated{"Names.a_stop_of_the_first_who_asked_does_not_stop_the_others", name_servers},
    NotSimulated{"Names.a_failure_is_told_to_all_who_asked", name_servers},
    NotSimulated{"Names.answers_are_kept_as_long_as_they_say", name_servers},
    NotSimulated{"Names.what_may_not_be_kept_is_asked_for_again", name_servers},
    NotSimulated{"Names.no_more_are_kept_than_the_maximum", name_servers},
    NotSimulated{"NamesOfTheSystem.*", name_servers},
    NotSimulated{"ConnectByName.does_not_wait_for_the_answer_of_a_server_that_drops_one_family",
                 name_servers},
    NotSimulated{"ConnectByName.ipv6_goes_first_though_its_address_comes_a_little_later",
                 name_servers},
    NotSimulated{"ConnectByName.refused_by_all_addresses", name_servers},
    NotSimulated{"ConnectByName.that_a_server_knows", name_servers},
    NotSimulated{"ConnectByName.the_next_attempt_starts_at_once_when_one_has_failed", name_servers},
    NotSimulated{"ConnectByName.within_a_deadline_that_covers_the_lookup", name_servers},
    NotSimulated{"ConnectByNameStopped.*", name_servers},
    NotSimulated{"HappyEyeballs.*", name_servers},
    NotSimulated{"CoresServer*.*", moving},
    NotSimulated{"ServeOnCores.until_stopped", moving},
    NotSimulated{"Cores.one_that_fails_stops_the_others", threads},
    NotSimulated{"Cores.a_stop_from_outside_reaches_all", threads},
    NotSimulated{"Runtimes.a_thread_each_talk_over_a_connection", threads},
    NotSimulated{"Runtimes.post_to_each_other", threads},
    NotSimulated{"Post.from_two_threads_runs_in_order_of_each", threads},
    NotSimulated{"Post.wakes_a_loop_that_waits", threads},
    NotSimulated{"Mailbox.takes_from_threads_without_a_runtime", threads},
    NotSimulated{"StopFromOutside.reaches_run_from_another_thread", threads},
    NotSimulated{"StopAndDeadlineOfOffload.that_has_*", inline_work},
    NotSimulated{"Cores.catch_signals_on_any_of_them", signals},
    NotSimulated{"Signals.*", signals},
    NotSimulated{"StopAndDeadline.*/signal", signals},
    NotSimulated{"DescriptorsExhausted.*", limits},
    NotSimulated{"WithoutIpv6.*", "a simulated system has IPv6"},
    NotSimulated{"Connect.without_a_descriptor_to_spare", limits},
    NotSimulated{"DatagramErrors.a_unix_peer_that_is_gone_is_refused_or_not_there", files},
    NotSimulated{"DatagramSegmentation.*", segmentation},
    NotSimulated{"DatagramMulticast.*", namespaces},
    NotSimulated{"DatagramErrors.an_unreachable_network_and_host_are_told", namespaces},
    NotSimulated{"DatagramErrors.the_mtu_of_the_way_is_kept_and_learnt", namespaces},
    NotSimulated{"DatagramErrors.an_allowed_broadcast_reaches_all_who_share_the_port", namespaces},
    NotSimulated{"Datagram.answers_from_the_right_address_of_two_on_one_interface", namespaces},
    NotSimulated{"Datagram.hop_limit_traffic_class_ecn_and_time_over_ipv?", real_time},
    NotSimulated{"SharedFile.*", descriptors},
    NotSimulated{"BufferMemory.*", real_time},
    NotSimulated{"Fork*.*", processes},
    NotSimulated{"AcceptOfS*.*", descriptors},
    NotSimulated{"KernelFault.*", kernel},
    NotSimulated{"Explain.what_moves_is_not_called_stalled", real_time},
};

[[maybe_unused]] const bool left_out = leave_out_when_simulated(table);

}  // namespace
}  // namespace ieum::test
