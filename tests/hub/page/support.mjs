// What the tests of the page share: the hub as a program, browsers, and an IRC client of few lines.
//     IEUM_HUB=build/release/apps/hub/ieum-hub node --test tests/hub/page/
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('../../../apps/hub/web/', import.meta.url));
const require = createRequire(join(process.env.IEUM_PAGE_MODULES ?? join(web, 'node_modules'), 'x.js'));
const program = process.env.IEUM_HUB ?? fileURLToPath(new URL('../../../build/release/apps/hub/ieum-hub', import.meta.url));
const chromium = process.env.IEUM_CHROMIUM ?? '/usr/bin/chromium';

/** Why the tests cannot run here, which is said as GoogleTest says it; false: they can. */
export function missing(suite) {
  const why = reason();
  if (why) console.log(`[  SKIPPED ] ${suite}: ${why}`);
  return why;
}

function reason() {
  if (!existsSync(program)) return `there is no ${program}`;
  if (!existsSync(chromium)) return 'chromium is not installed';
  try {
    require.resolve('playwright-core');
  } catch {
    return 'playwright-core is missing: npm ci in apps/hub/web';
  }
  return false;
}

export const axeSource = () => require('axe-core').source;

export class Hub {
  constructor(options = []) {
    this.options = options;
    this.data = mkdtempSync(join(tmpdir(), 'ieum-hub-'));
    this.ports = { irc: 0, http: 0 };
  }

  async start() {
    const words = ['--data', this.data, '--listen', `127.0.0.1:${this.ports.irc}`, '--listen-tls', 'none',
      '--listen-http', `127.0.0.1:${this.ports.http}`, '--linger-seconds', '2', '--cores', '2', ...this.options];
    this.child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.log = '';
    this.child.stderr.on('data', (data) => (this.log += data));
    let said = '';
    await new Promise((done, fail) => {
      this.child.stdout.on('data', (data) => {
        said += data;
        const http = /http:\/\/127\.0\.0\.1:(\d+)\//.exec(said);
        if (!http) return;
        this.ports = { irc: Number(/127\.0\.0\.1:(\d+)/.exec(said)[1]), http: Number(http[1]) };
        done();
      });
      this.child.once('exit', (code) => fail(new Error(`the hub ended with ${code}: ${said}${this.log}`)));
    });
    this.child.removeAllListeners('exit');
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.ports.http}/`;
  }

  async end(signal) {
    const ended = new Promise((done) => this.child.once('exit', done));
    this.child.kill(signal);
    await ended;
  }
  kill() {
    return this.end('SIGKILL');
  }
  async remove() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end('SIGTERM');
    rmSync(this.data, { recursive: true, force: true });
  }
}

export async function launch() {
  const { chromium: type } = require('playwright-core');
  return type.launch({
    executablePath: chromium,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}

/** Somebody with a browser of their own. `complaints`: what the browser has to say of the page. */
export async function person(browser, hub, nick, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 760 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    const isOfTheNetwork = /WebSocket connection|ERR_CONNECTION|net::/.test(message.text());
    if (message.type() === 'error' && !isOfTheNetwork) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(hub.url);
  if (nick) {
    await page.locator('.welcome input').first().fill(nick);
    await page.keyboard.press('Enter');
    await page.locator('.you', { hasText: nick }).waitFor({ state: 'attached' });
    await page.locator('.room[aria-current]').waitFor({ state: 'attached' });
    await page.locator('.banner').waitFor({ state: 'detached' });
  }
  const composer = page.locator('.box textarea');
  return {
    page, context, complaints, composer,
    said: (text) => page.locator('.m:not(.pending) p', { hasText: text }),
    pending: (text) => page.locator('.m.pending', { hasText: text }),
    async say(text) {
      await composer.fill(text);
      await composer.press('Enter');
    },
  };
}

/** An old client: it knows nothing of tags. */
export class OldClient {
  constructor(hub, nick) {
    this.text = '';
    this.waiting = [];
    this.socket = connect(hub.ports.irc, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('data', (data) => {
      this.text += data;
      for (const line of String(data).split('\r\n')) if (line.startsWith('PING')) this.send(line.replace('PING', 'PONG'));
      this.waiting = this.waiting.filter(({ part, done }) => !(this.text.includes(part) && (done(), true)));
    });
    this.send(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}`);
  }
  send(line) {
    this.socket.write(line + '\r\n');
  }
  until(part) {
    if (this.text.includes(part)) return Promise.resolve();
    return new Promise((done) => this.waiting.push({ part, done }));
  }
  close() {
    this.socket.destroy();
  }
}
