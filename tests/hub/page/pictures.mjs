// The pictures in the README: a room as it looks in use. IEUM_PICTURES=DIRECTORY node tests/hub/page/pictures.mjs
import { join } from 'node:path';
import { Hub, launch, OldClient, person } from './support.mjs';

const directory = process.env.IEUM_PICTURES ?? '.';
const hub = await new Hub().start();
const browser = await launch();
try {
  const mina = await person(browser, hub, 'mina');
  await mina.say('/join design');
  await mina.page.locator('header h1', { hasText: 'design' }).waitFor();
  await mina.say('/topic What ships in 1.0, and how it looks · notes: wiki/design');
  const others = {};
  for (const nick of ['sol', 'tomek', 'Jonas']) {
    others[nick] = new OldClient(hub, nick);
    others[nick].send('JOIN #design,#lobby,#builds');
    await others[nick].until('#builds :End');
  }
  const say = async (nick, text) => {
    others[nick].send(`PRIVMSG #design :${text}`);
    await mina.said(text.replace(/[*`]/g, '').slice(0, 20)).first().waitFor();
  };
  await mina.say('The reconnect banner tests well. People stopped reloading the page once it counted down.');
  await mina.say('One wish: show *what* was missed, not only that something was.');
  const hayun = await person(browser, hub, 'hayun');
  await hayun.say('/join builds');
  await hayun.say('/join design');
  await hayun.said('The reconnect banner').hover();
  await hayun.page.getByRole('button', { name: 'React' }).click();
  await hayun.page.getByRole('button', { name: '👍' }).click();
  await say('Jonas', 'same from here, history comes back in order after `/reconnect`. no doubles.');
  others.Jonas.send('AWAY :lunch');
  await hayun.said('same from here').waitFor();
  await hayun.page.locator('.room', { hasText: 'lobby' }).click();
  await say('sol', 'Dark theme contrast is now 7:1 everywhere except the timestamps, which are 4.8:1. Enough for AA.');
  await mina.said('Dark theme').hover();
  await mina.page.getByRole('button', { name: 'Reply', exact: true }).click();
  await mina.say('@hayun 한국어 문구도 같이 봐 줄래? 배너 문장이 조금 길어.');
  await mina.page.locator('aside').getByRole('button', { name: 'hayun', exact: true }).click();
  await mina.say('점심 같이 먹을래?');
  others.tomek.send('PRIVMSG #builds :main is green');
  await hayun.page.locator('.room.unread', { hasText: 'builds' }).waitFor();
  await hayun.page.locator('.room', { hasText: 'design' }).click();
  await hayun.page.locator('.newline').waitFor();
  await hayun.say('응, 지금 볼게.');
  await hayun.said('응, 지금 볼게').waitFor();

  const take = (name) => hayun.page.screenshot({ path: join(directory, `hub-${name}.png`) });
  await hayun.said('한국어 문구도').hover();
  await take('light');
  await hayun.page.emulateMedia({ colorScheme: 'dark' });
  await hayun.page.locator('[data-theme=dark]').waitFor();
  await take('dark');
  await hayun.page.emulateMedia({ colorScheme: 'light' });
  await hayun.page.setViewportSize({ width: 400, height: 800 });
  await hayun.page.locator('aside .close').click();
  await take('phone');
  await hayun.page.setViewportSize({ width: 1280, height: 760 });
  await hayun.page.locator('.you').click();
  await hayun.page.locator('select').last().selectOption('ko');
  await hayun.page.locator('.settings .close').click();
  await take('korean');
  await hub.kill();
  await hayun.say('“연결이 끊겼어요. 4초 뒤 다시 시도해요.” 어때?');
  await hayun.page.locator('.banner b').waitFor();
  await take('reconnecting');
  for (const client of Object.values(others)) client.close();
} finally {
  await browser.close();
  await hub.remove();
}
