// Requests that could be read in two ways: what follows them never reaches a handler.
#include <gmock/gmock.h>

#include "http/forms.hpp"
#include "http/talk.hpp"

namespace ieum::test {
namespace {

using http::Request;
using http::Response;
using http::Routes;

Task<Response> seen(Request& request, std::string& log) {
  Result<std::string> body = co_await attempt(request.body().text(1000));
  if (!body) co_return fail(body.error());
  log.append(request.path()).append(" ").append(*body).append("\n");
  co_return Response::text("seen");
}

CO_TEST(HttpSmuggling, reaches_no_handler) {
  std::string log;
  Routes routes;
  routes.any("/{path...}", [&log](Request& request) { return seen(request, log); });
  const std::string poison = get("/poison");
  for (const Form& form : ambiguous_forms) {
    const std::string input = get("/first") + std::string(form.text) + poison;
    const std::string whole = co_await talk_to(routes, input);
    EXPECT_EQ(statuses(whole), "200 " + std::string(form.status)) << form.text << whole;
    EXPECT_EQ(log, "/first \n") << form.text;
    log.clear();
    const std::string split = co_await talk_in_pieces(routes, input, 1);
    EXPECT_EQ(statuses(split), "200 " + std::string(form.status)) << form.text << split;
    EXPECT_EQ(log, "/first \n") << form.text;
    log.clear();
  }
}

CO_TEST(HttpSmuggling, has_no_way_through_a_body) {
  std::string log;
  Routes routes;
  routes.any("/{path...}", [&log](Request& request) { return seen(request, log); });
  const std::string poison = get("/poison");
  const std::string got = co_await talk_to(routes, post("/a", poison) + get("/b"));
  EXPECT_EQ(statuses(got), "200 200");
  EXPECT_EQ(log, "/a " + poison + "\n/b \n");
}

}  // namespace
}  // namespace ieum::test
