// A small JSON service: notes that are added, listed, read and deleted.
//
//     http_json [ADDRESS]
//     curl -X POST --data 'buy milk' localhost:8080/notes
#include <cstdio>
#include <map>
#include <string>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>

using namespace ieum;
using http::Request;
using http::Response;
using http::Status;

namespace {

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      char code[16];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      json += code;
    } else {
      if (c == '"' || c == '\\') json += '\\';
      json += c;
    }
  }
  return json + '"';
}

class Notes {
 public:
  Task<Response> list(Request& request) {
    static_cast<void>(request);
    std::string json = "[";
    for (const auto& [id, text] : notes_) {
      if (json.size() > 1) json += ',';
      json += to_json(id, text);
    }
    co_return Response::json(json + "]\n");
  }

  Task<Response> add(Request& request) {
    std::string text = co_await request.body().text(10'000);  // longer: 413
    const std::string id = std::to_string(++last_);
    Response response = Response::json(to_json(id, text) + "\n", Status::created);
    co_await response.fields().set("Location", "/notes/" + id);
    notes_.emplace(id, std::move(text));
    co_return response;
  }

  Task<Response> read(Request& request) {
    const auto note = notes_.find(request.path("id"));
    if (note == notes_.end()) co_return Response(Status::not_found);
    co_return Response::json(to_json(note->first, note->second) + "\n");
  }

  Task<Response> remove(Request& request) {
    const bool there = notes_.erase(request.path("id")) > 0;
    co_return Response(there ? Status::no_content : Status::not_found);
  }

 private:
  static std::string to_json(const std::string& id, const std::string& text) {
    return "{\"id\":" + id + ",\"text\":" + quoted(text) + "}";
  }
  std::map<std::string, std::string> notes_;
  int last_ = 0;
};

Task<> serve_notes(std::string_view address) {
  Notes notes;
  http::Routes routes;
  routes.get("/notes", [&](Request& request) { return notes.list(request); });
  routes.post("/notes", [&](Request& request) { return notes.add(request); });
  routes.get("/notes/{id}", [&](Request& request) { return notes.read(request); });
  routes.delete_("/notes/{id}", [&](Request& request) { return notes.remove(request); });
  Listener listener = co_await Listener::bind(address);
  std::printf("listening on %s\n", listener.address().to_string().c_str());
  std::fflush(stdout);
  co_await http::serve(std::move(listener), std::move(routes));
}

}  // namespace

int main(int argc, char** argv) {
  return run_main(serve_notes(argc > 1 ? argv[1] : "127.0.0.1:8080"));
}
