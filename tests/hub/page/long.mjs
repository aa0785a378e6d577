// What takes long: 10,000 messages in a room, read back from the last to the first.
//     node --test tests/hub/page/long.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub, launch, missing, OldClient, person } from './support.mjs';

const MESSAGES = 10_000;
const TASK_MS_MAX = 50;

test('10,000 messages are scrolled through without a long task', { skip: missing('hub_page.long') }, async () => {
  const hub = await new Hub(['--lines-per-second', '0', '--queue-bytes', '67108864']).start();
  const browser = await launch();
  try {
    const old = new OldClient(hub, 'writer');
    old.send('JOIN #lobby');
    await old.until(' 366 ');
    for (let i = 1; i <= MESSAGES; ++i) old.send(`PRIVMSG #lobby :message number ${i}.`);
    old.send('PING written');
    await old.until('PONG hub.localhost :written');
    const ann = await person(browser, hub, 'reader');
    await ann.said(`message number ${MESSAGES}.`).waitFor();
    const { rows, longest } = await ann.page.evaluate(async (wanted) => {
      let longest = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
      }).observe({ entryTypes: ['longtask'] });
      const log = document.querySelector('.log');
      const frame = () => new Promise((done) => requestAnimationFrame(done));
      const until = performance.now() + 200_000;
      let rows = 0;
      while (!log.textContent.includes(wanted) && performance.now() < until) {
        log.scrollTop = Math.max(0, log.scrollTop - 2000);
        await frame();
        rows = Math.max(rows, log.children.length);
      }
      return { rows, longest };
    }, 'message number 1.');
    assert.ok(await ann.said('message number 1.').count() > 0, 'it comes to the first one');
    console.log(`longest task ${Math.round(longest)} ms, at most ${rows} rows`);
    assert.ok(longest <= TASK_MS_MAX, `a task of ${longest} ms`);
    old.close();
  } finally {
    await browser.close();
    await hub.remove();
  }
});
