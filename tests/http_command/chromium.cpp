// `ieum serve` in Chromium: a folder is looked at, files with any name are opened, a video is
// sought in.
#include <array>
#include <csignal>
#include <utility>

#include "http_command/http_command.hpp"

namespace ieum::test {
namespace {

/// A program for Node that drives Chromium by its debugging protocol, over a pipe. Arguments: the
/// server's URL, a folder for the profile, and what the files hold by their names, as JSON. It
/// writes what is not as it should be, a line each, and "done".
constexpr const char* visitor = R"(
const {spawn} = require('child_process');
const [url, profile, text] = process.argv.slice(-3);
const files = JSON.parse(text);
const chromium = spawn('chromium', ['--headless', '--no-sandbox', '--disable-gpu',
  '--disable-dev-shm-usage', '--disable-background-networking', '--mute-audio',
  '--user-data-dir=' + profile, '--remote-debugging-pipe', 'about:blank'],
  {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']});
const fault = (...words) => console.log(...words);
const answers = new Map();
let rest = '', last = 0, session;
chromium.stdio[4].setEncoding('utf8').on('data', (data) => {
  const messages = (rest + data).split('\0');
  rest = messages.pop();
  for (const message of messages.map(JSON.parse)) answers.get(message.id)?.(message);
});
const call = (method, params = {}) => new Promise((resolve, reject) => {
  answers.set(++last, ({result, error}) => error ? reject(new Error(error.message)) : resolve(result));
  chromium.stdio[3].write(JSON.stringify({id: last, method, params, sessionId: session}) + '\0');
});
const run = async (expression) => {
  const {result, exceptionDetails: wrong} = await call('Runtime.evaluate',
    {expression, awaitPromise: true, returnByValue: true, userGesture: true});
  if (wrong) throw new Error(wrong.exception?.description ?? wrong.text);
  return result.value;
};
const open = async (path) => {
  await call('Page.navigate', {url: url + path});
  while (await run('document.readyState') != 'complete') await new Promise(r => setTimeout(r, 20));
};
const visit = async () => {
  const {targetId} = await call('Target.createTarget', {url: 'about:blank'});
  session = (await call('Target.attachToTarget', {targetId, flatten: true})).sessionId;
  await call('Page.enable');

  // The list shows every name as it is, and nothing in a name does anything.
  await open('/');
  const page = await run(`({title: document.title, scripts: document.scripts.length,
    images: document.images.length, wide: document.documentElement.scrollWidth > innerWidth,
    links: [...document.links].map(a => ({name: a.textContent, href: a.href,
      width: a.getBoundingClientRect().width}))})`);
  if (page.title.includes('hacked') || page.scripts || page.images) fault('the list runs', page);
  if (page.wide) fault('the list is wider than the window');
  for (const name of Object.keys(files)) {
    const link = page.links.find(one => one.name == name);
    if (!link || !(link.width > 0)) fault('the list does not show', JSON.stringify(name));
    else if (!link.href.startsWith(url + '/')) fault('leads elsewhere:', link.href);
  }
  // A click opens the file.
  await run(`[...document.links].find(a => a.textContent == 'folder/').click()`);
  while (!(await run('location.href')).endsWith('/folder/') ||
         await run('document.readyState') != 'complete') await new Promise(r => setTimeout(r, 20));
  if (!await run(`[...document.links].some(a => a.textContent == 'inner.txt')`)) fault('no folder');

  // What the links lead to, from a page that may ask for it.
  await open('/page.html');
  for (const {name, href} of page.links) {
    if (!(name in files)) continue;
    const body = await run(`fetch(${JSON.stringify(href)}).then(r => r.text())`);
    if (body != files[name]) fault(JSON.stringify(name), 'holds', JSON.stringify(body));
  }

  // A video shows its end before it has come as a whole.
  const film = await run(`(async () => {
    const film = document.querySelector('video');
    const event = (name) => new Promise((good, bad) => {
      film.addEventListener(name, good, {once: true});
      film.addEventListener('error', () => bad(film.error), {once: true});
    });
    const loaded = event('loadeddata');
    film.src = 'film.mp4';
    await loaded;
    const sought = event('seeked');
    film.currentTime = film.duration * 0.9;
    await sought;
    return {duration: film.duration, at: film.currentTime, width: film.videoWidth};
  })()`);
  if (film.width != 640 || film.at < film.duration * 0.85) fault('the film:', film);
};
visit().catch(error => fault(error)).finally(() => {
  console.log('done');
  chromium.kill('SIGKILL');
  process.exit();
});
)";

std::string in_json(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string json;
  for (const auto& [name, text] : files) {
    const std::array pair = {name, text};
    json += json.empty() ? "{" : ",";
    for (const std::string& one : pair) {
      std::string escaped;
      for (const char c : one) {
        if (c == '"' || c == '\\') escaped += '\\';
        escaped += c;
      }
      json += (&one == &pair.front() ? "\"" : ":\"") + escaped + "\"";
    }
  }
  return json + "}";
}

TEST(HttpCommandServe, shows_folders_files_and_videos_in_chromium) {
  NEEDS("chromium", "chromium");
  NEEDS("node", "nodejs");
  NEEDS("ffmpeg", "ffmpeg");
  const TemporaryDirectory files;
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"한국 파일.txt", "a Korean name"},
      {"<img src=x onerror=document.title='hacked'>.txt", "a picture"},
      {"<script>document.title='hacked'<!--.txt", "a script"},
      {"a b&c;#d?e=%41+.txt", "what a URL has"},
      {"\"quotes' `and` \\.txt", "quotes"},
      {"javascript:document.title='hacked'", "a scheme"},
      {"http:", "another"},
      {std::string(200, 'l') + ".txt", "a long name"},
  };
  for (const auto& [name, text] : texts) write_file(files.path(name), text);
  std::filesystem::create_directory(files.path("folder"));
  write_file(files.path("folder/inner.txt"), "inner");
  write_file(files.path("page.html"), "<!doctype html><title>page</title><video></video>");
  // Large, and its index is at its end.
  Child film({"ffmpeg", "-v", "error", "-f", "lavfi", "-i",
              "testsrc2=s=640x360:r=25:d=4,noise=alls=60:allf=t", "-c:v", "libx264", "-preset",
              "ultrafast", "-qp", "12", "-pix_fmt", "yuv420p", files.path("film.mp4")},
             Input::nothing());
  ASSERT_EQ(film.wait(4 * patience), 0) << film.error_output();
  Served server(files.path(""));
  const TemporaryDirectory profile;
  Child chromium(
      {"node", "-e", visitor, "--", server.url(), profile.path("profile"), in_json(texts)},
      Input::nothing());
  EXPECT_EQ(chromium.read_all(6 * patience), "done\n") << chromium.error_output();
  server.child().signal(SIGINT);
  const std::string log = server.child().read_all();
  // The end was asked for by a range of its own.
  const std::size_t parts = [&] {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log.find("\"GET /film.mp4 HTTP/1.1\" 206", at)) != log.npos;
         ++at) {
      ++count;
    }
    return count;
  }();
  EXPECT_GE(parts, 2U) << log;
}

}  // namespace
}  // namespace ieum::test
