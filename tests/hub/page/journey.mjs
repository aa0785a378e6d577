// A journey through the page, against the real hub: two people, an old client, the hub killed in the
// middle. It waits for what a person would see. With IEUM_PICTURES=DIRECTORY it takes pictures.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { axeSource, Hub, launch, missing, OldClient, person } from './support.mjs';

const skip = missing('hub_page.journey');
let browser;
let hub;
before(async () => {
  if (skip) return;
  hub = await new Hub().start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await hub?.remove();
});

async function picture(page, name) {
  if (process.env.IEUM_PICTURES) await page.screenshot({ path: join(process.env.IEUM_PICTURES, name + '.png') });
}

test('two people talk, and an old client with them', { skip }, async () => {
  const ann = await person(browser, hub, 'ann');
  const bob = await person(browser, hub, 'bob');
  const old = new OldClient(hub, 'olaf');
  old.send('JOIN #lobby');
  await old.until(' 366 ');

  await ann.say('Hello *everyone*, see https://example.com/a');
  await bob.said('Hello everyone').waitFor();
  await old.until('PRIVMSG #lobby :Hello *everyone*');
  await ann.said('Hello everyone').waitFor();
  assert.equal(await ann.page.locator('.m.pending').count(), 0);
  old.send('PRIVMSG #lobby :ann: same from here');
  await ann.page.locator('.mention', { hasText: 'ann' }).waitFor();

  // A reply, a reaction, and taking back.
  await bob.said('Hello everyone').hover();
  await bob.page.getByRole('button', { name: 'Reply', exact: true }).click();
  await bob.say('Welcome');
  await ann.page.locator('.reply', { hasText: 'Hello' }).waitFor();
  await bob.said('Hello everyone').hover();
  await bob.page.getByRole('button', { name: 'React' }).click();
  await bob.page.getByRole('button', { name: '🎉' }).click();
  await ann.page.locator('.re button', { hasText: '🎉 1' }).waitFor();
  await ann.say('a slip');
  await bob.said('a slip').waitFor();
  await ann.said('a slip').hover();
  await ann.page.getByRole('button', { name: 'Delete' }).click();
  await bob.said('This message was deleted').waitFor();

  // Typing is seen; a name is completed.
  await ann.composer.pressSequentially('bo');
  await bob.page.locator('.typing', { hasText: 'ann is typing' }).waitFor();
  await ann.composer.press('Tab');
  await assert.doesNotReject(ann.page.waitForFunction(() => document.querySelector('textarea').value === 'bob: '));
  await ann.composer.fill('');

  // Another room by the switcher; what is new there shows; a conversation of two.
  await ann.page.keyboard.press('Control+k');
  await ann.page.locator('dialog input').waitFor();
  await ann.page.keyboard.type('design');
  await ann.page.locator('[role=option]', { hasText: '#design' }).waitFor();
  await ann.page.keyboard.press('Enter');
  await ann.page.locator('header h1', { hasText: '# design' }).waitFor();
  await bob.say('are you still there, ann?');
  await ann.page.locator('.room.unread .n.me', { hasText: '1' }).waitFor();
  await ann.page.locator('.room', { hasText: 'lobby' }).click();
  await ann.page.locator('.newline').waitFor();
  await ann.page.locator('aside').getByRole('button', { name: 'bob', exact: true }).click();
  await ann.say('only for you');
  await bob.page.locator('nav .room.unread', { hasText: 'ann' }).click();
  await bob.said('only for you').waitFor();
  assert.deepEqual(ann.complaints, []);
  assert.deepEqual(bob.complaints, []);
  old.close();
  await ann.context.close();
  await bob.context.close();
});

test('what was written while the hub was down arrives once', { skip }, async () => {
  const ann = await person(browser, hub, 'carla');
  const bob = await person(browser, hub, 'dan');
  await ann.say('before');
  await bob.said('before').waitFor();
  const sent = [];
  const send = async (text) => {
    sent.push(text);
    await ann.say(text);
  };
  for (let i = 0; i < 5; ++i) await send(`in the middle ${i}.`);
  await hub.kill();
  for (let i = 5; i < 8; ++i) await send(`in the middle ${i}.`);
  await ann.page.locator('.banner', { hasText: 'Connection lost' }).waitFor();
  await ann.pending('in the middle 7.').waitFor();
  await picture(ann.page, 'reconnecting');
  await ann.page.goto('about:blank'); // the page is closed meanwhile
  await hub.start();
  await ann.page.goto(hub.url);
  await bob.page.getByRole('button', { name: 'Try now' }).click({ timeout: 3000 }).catch(() => {});
  for (const text of sent) await bob.said(text).waitFor();
  await ann.said(sent.at(-1)).waitFor();
  await ann.page.waitForFunction(() => document.querySelectorAll('.m.pending').length === 0);
  for (const one of [ann, bob]) {
    for (const text of sent) assert.equal(await one.said(text).count(), 1, text);
  }
  await ann.context.close();
  await bob.context.close();
});

test('what people type is never markup', { skip }, async () => {
  const ann = await person(browser, hub, 'eve');
  const old = new OldClient(hub, 'mallory');
  old.send('JOIN #evil');
  await old.until(' 366 ');
  const evil = '<img src=x onerror=document.title=1><script>document.title=2</script>';
  old.send(`PRIVMSG #evil :${evil} javascript:alert(1)`);
  old.send(`TOPIC #evil :${evil}`);
  await ann.say('/join evil');
  await ann.said('<img src=x').waitFor();
  await ann.page.locator('header p', { hasText: '<img' }).waitFor();
  assert.equal(await ann.page.locator('main img, main script, main a').count(), 0);
  assert.match(await ann.page.title(), /#evil/);
  assert.deepEqual(ann.complaints, []);
  old.close();
  await ann.context.close();
});

test('it is accessible, in both languages, in the dark and on a phone', { skip }, async () => {
  const faces = [
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['korean', { locale: 'ko-KR' }],
    ['phone', { viewport: { width: 400, height: 800 }, hasTouch: true, isMobile: true }],
  ];
  for (const [name, options] of faces) {
    const one = await person(browser, hub, name + '-face', options);
    if (name === 'korean') await one.page.getByPlaceholder('#lobby에 메시지 보내기').waitFor();
    await one.say('한국어도 잘 보이나요? `code` and *more*');
    await one.said('한국어도').first().waitFor();
    await one.page.evaluate(axeSource());
    const { violations } = await one.page.evaluate(() => window.axe.run());
    const told = violations.map((found) => `${found.id}: ${found.nodes.map((node) => node.html).join(' ')}`);
    assert.deepEqual(told, [], name);
    await picture(one.page, name);
    await one.context.close();
  }
});

test('Enter while an input method composes sends nothing', { skip }, async () => {
  const ann = await person(browser, hub, 'hayun');
  await ann.composer.fill('안녕');
  await ann.composer.dispatchEvent('keydown', { key: 'Enter', keyCode: 229, isComposing: true });
  assert.equal(await ann.composer.inputValue(), '안녕');
  assert.equal(await ann.page.locator('.m', { hasText: '안녕' }).count(), 0);
  await ann.composer.press('Enter');
  await ann.said('안녕').waitFor();
  await ann.context.close();
});

test('a second tab is the same guest, and a reload too', { skip }, async () => {
  const ann = await person(browser, hub, 'frida');
  const tab = await ann.context.newPage();
  await tab.goto(hub.url);
  await tab.locator('.you', { hasText: 'frida' }).waitFor();
  await ann.say('from the first tab');
  await tab.locator('.m:not(.pending) p', { hasText: 'from the first tab' }).waitFor();
  await ann.page.reload();
  await ann.said('from the first tab').waitFor();
  assert.equal(await ann.said('from the first tab').count(), 1);
  assert.equal(await ann.page.locator('.you').innerText().then((text) => text.split('\n').includes('frida')), true);
  await ann.context.close();
});
