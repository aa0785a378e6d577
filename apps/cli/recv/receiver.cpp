#include "recv/receiver.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include <ieum/offload.hpp>

#include "text/suggest.hpp"
#include "transfer/transfer.hpp"

namespace ieum::cli {

namespace {

/// For so few each is written to the disk by itself; for more the whole file system at once.
constexpr std::size_t few = 8;

std::string reason_of(const Error& error) {
  if (error == std::errc::file_exists) return "a file of this name has come up meanwhile";
  if (error == std::errc::device_or_resource_busy) return "another ieum receives it just now";
  if (error == std::errc::not_a_directory) return "a file or a symbolic link is in the way";
  return error.code().message();
}

/// Nothing can be written any more, whatever is sent.
bool is_fatal(const Error& error) {
  return error == std::errc::no_space_on_device || error == std::errc::io_error ||
         error == std::errc::read_only_file_system || error.code().value() == EDQUOT;
}

/// On the disk, under their names; an error for each that is not. On a thread of the pool.
std::vector<std::optional<Error>> put_on_disk(const std::vector<IncomingFile>& files,
                                              const SafeFolder& folder, bool overwrites) {
  std::vector<std::optional<Error>> errors(files.size());
  const bool at_once = files.size() > few && ::syncfs(folder.number()) == 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!at_once) {
      const Result<> synced = files[i].sync(folder);
      if (!synced) errors[i] = synced.error();
    }
    if (errors[i]) continue;
    const Result<> published = files[i].publish(folder, overwrites);
    if (!published) errors[i] = published.error();
  }
  if (at_once && ::syncfs(folder.number()) == 0) return errors;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (errors[i]) continue;
    const Result<> synced = files[i].sync_folders(folder);
    if (!synced) errors[i] = synced.error();
  }
  return errors;
}

/// Hashes and writes on a thread of the pool.
Task<std::size_t> write_piece(IncomingFile& file, std::vector<std::byte> data) {
  auto work = [&file, &data] { return file.write(data); };
  auto writing = offload(work);
  const Result<> written = co_await std::move(writing);
  if (!written) co_await fail(written.error());
  co_return data.size();
}

}  // namespace

Task<std::optional<Failure>> Receiver::run() {
  std::optional<Failure> failure;
  auto body = [this](Group& group) { return receive_all(group); };
  co_await with_group(body);
  if (failure_) co_return failure_;
  progress_.summarize();
  if (progress_.has_failures()) failure = Failure{Status::other, "not all files were received"};
  co_return failure;
}

Task<> Receiver::receive_all(Group& group) {
  for (;;) {
    Frames::Frame frame = co_await frames_.next();
    co_await end_writing();
    if (failure_) co_return;
    if (frame.type == FrameType::data) {
      co_await write(group, std::move(frame));
      continue;
    }
    const bool goes_on = co_await take(frame);
    if (failure_ || !goes_on) co_return;
  }
}

/// False: the sender has said all.
Task<bool> Receiver::take(const Frames::Frame& frame) {
  PayloadReader reader(frame.text());
  const bool is_of_file = std::string_view("BEMNV").contains(static_cast<char>(frame.type));
  if (is_of_file && expected_.empty()) co_await fail(std::errc::protocol_error, "receive");
  switch (frame.type) {
    case FrameType::entry: co_await answer(frame); co_return true;
    case FrameType::begin: co_await begin(reader.number()); co_return true;
    case FrameType::end: co_await end(reader.digest()); co_return true;
    case FrameType::same: {
      IncomingFile file = take_current();
      file.mark_same();
      co_await finish(std::move(file));
      co_return true;
    }
    case FrameType::leave: {
      const IncomingFile file = take_current();
      progress_.failed(file.name(), "it was not sent");
      co_return true;
    }
    case FrameType::changed: {
      IncomingFile file = take_current();
      file.remove(folder_);
      progress_.failed(file.name(), "it changed while it was being sent");
      co_return true;
    }
    case FrameType::done:
      co_await confirm();
      if (!failure_) co_await frames_.send(FrameType::done, {});
      co_return false;
    default: co_await fail(std::errc::protocol_error, "receive"); co_return false;
  }
}

IncomingFile Receiver::take_current() {
  IncomingFile file = std::move(expected_.front());
  expected_.pop_front();
  return file;
}

// ---- Entries ------------------------------------------------------------------------------------

Task<> Receiver::refuse(const std::string& name, const std::string& sentence) {
  progress_.failed(name, sentence);
  PayloadWriter answer;
  answer.byte('x').number(0).digest({}).text(sentence);
  co_await frames_.send(FrameType::answer, answer.bytes());
}

/// Of what keeps everything from being written.
Task<> Receiver::give_up(const Error& error) {
  const std::string sentence = fmt::format(
      "{}; what has come is kept: make room, or the folder writable, and run both "
      "again to go on",
      error.code().message());
  failure_ = Failure{Status::other, sentence};
  co_await frames_.send(FrameType::failed, sentence);
}

Task<> Receiver::answer(const Frames::Frame& frame) {
  PayloadReader reader(frame.text());
  const char kind = reader.byte();
  const auto mode = static_cast<std::uint32_t>(reader.number());
  const auto modified = static_cast<std::int64_t>(reader.number());
  const std::uint64_t size = reader.number();
  const std::string name(reader.rest());
  const bool is_known = kind == 'f' || kind == 'd';
  if (!reader.is_good() || !is_known || expected_.size() > 1024) {
    co_await fail(std::errc::protocol_error, "receive");
  }
  const std::string unsafe = explain_unsafe_name(name);
  if (!unsafe.empty()) {
    co_await refuse(name, unsafe);
  } else if (kind == 'd') {
    co_await answer_folder(name);
  } else {
    co_await answer_file(IncomingFile(name, size, mode, modified));
  }
}

Task<> Receiver::answer_folder(const std::string& name) {
  const Result<> made = folder_.make(name);
  if (!made) {
    co_await refuse(name, reason_of(made.error()));
    co_return;
  }
  PayloadWriter answer;
  answer.byte('n').number(0).digest({});
  co_await frames_.send(FrameType::answer, answer.bytes());
}

Task<> Receiver::answer_file(IncomingFile file) {
  auto work = [&file, this] { return file.look(folder_); };
  auto looking = offload(work);
  const Result<char> found = co_await std::move(looking);
  if (!found) {
    co_await refuse(file.name(), reason_of(found.error()));
    co_return;
  }
  char state = *found;
  if (state == 'x' || (state == 'd' && !overwrites_)) {
    co_await refuse(file.name(),
                    state == 'x' ? "something that is no file has this name"
                                 : "another file of this name is there, which stays as it is; see "
                                   "'ieum recv --overwrite'");
    co_return;
  }
  if (state == 'd') state = 'n';
  if (state == 'c' && overwrites_) state = 'o';
  PayloadWriter answer;
  answer.byte(state).number(state == 'n' ? 0 : file.offset()).digest(file.digest());
  expected_.push_back(std::move(file));
  co_await frames_.send(FrameType::answer, answer.bytes());
}

// ---- Bytes --------------------------------------------------------------------------------------

Task<> Receiver::begin(std::uint64_t from) {
  IncomingFile& file = expected_.front();
  if (from != 0 && from != file.offset()) co_await fail(std::errc::protocol_error, "receive");
  auto work = [&file, this, from] { return file.begin(folder_, from); };
  auto opening = offload(work);
  const Result<> begun = co_await std::move(opening);
  if (!begun) {
    const Error named = begun.error();
    co_await give_up(named);
  }
}

Task<> Receiver::write(Group& group, Frames::Frame frame) {
  const bool is_expected =
      !expected_.empty() && expected_.front().is_open() &&
      frame.payload.size() <= expected_.front().size() - expected_.front().offset();
  if (!is_expected) co_await fail(std::errc::protocol_error, "receive");
  writing_.emplace(group.spawn(write_piece(expected_.front(), std::move(frame.payload))));
}

Task<> Receiver::end_writing() {
  if (!writing_) co_return;
  const Result<std::size_t> written = co_await attempt(writing_->result());
  writing_.reset();
  if (written) {
    const IncomingFile& file = expected_.front();
    progress_.moved(file.name(), file.offset(), file.size(), *written);
    co_return;
  }
  const Error error = written.error();
  if (error == std::errc::operation_canceled) co_await fail(error);
  co_await give_up(error);
}

Task<> Receiver::end(const Sha256::Digest& digest) {
  IncomingFile file = take_current();
  if (file.offset() == file.size() && file.digest() == digest) {
    const Result<> ended = file.end();
    if (!ended) {
      co_await give_up(ended.error());
      co_return;
    }
    co_await finish(std::move(file));
    co_return;
  }
  file.remove(folder_);
  co_await confirm();  // in the order in which they were sent
  if (failure_) co_return;
  const std::string sentence =
      "what arrived is not what was sent (its SHA-256 differs): it was damaged on the way, and is "
      "thrown away; send it again";
  progress_.failed(file.name(), sentence);
  co_await frames_.send(FrameType::refused, sentence);
}

// ---- To the disk --------------------------------------------------------------------------------

Task<> Receiver::finish(IncomingFile file) {
  finished_bytes_ += file.size();
  finished_.push_back(std::move(file));
  const bool many =
      finished_.size() >= unconfirmed_files_max || finished_bytes_ >= unconfirmed_bytes_max;
  if (many) co_await confirm();
}

Task<> Receiver::confirm() {
  const std::vector<IncomingFile> files = std::exchange(finished_, {});
  finished_bytes_ = 0;
  auto work = [&files, this] { return put_on_disk(files, folder_, overwrites_); };
  auto syncing = offload(work);
  const std::vector<std::optional<Error>> errors = co_await std::move(syncing);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (errors[i] && is_fatal(*errors[i])) {
      co_await give_up(*errors[i]);
      co_return;
    }
    if (errors[i]) {
      const std::string sentence = reason_of(*errors[i]);
      progress_.failed(files[i].name(), sentence);
      co_await frames_.send(FrameType::refused, sentence);
      continue;
    }
    const Sha256::Digest digest = files[i].digest();
    progress_.agreed(files[i].name(), digest, files[i].size());
    co_await frames_.send(FrameType::kept, PayloadWriter().digest(digest).bytes());
  }
}

}  // namespace ieum::cli
