// The page as a whole.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';
import type { Chat } from '../model/chat';
import type { Said } from '../model/timeline';
import { Banner } from './banner';
import { Composer } from './composer';
import { useChat } from './hooks';
import { Icon } from './icons';
import { Log } from './log';
import { Members } from './members';
import { Search } from './search';
import { Settings } from './settings';
import { Sidebar } from './sidebar';
import { Switcher } from './switcher';
import { Welcome } from './welcome';

type Over = 'none' | 'switcher' | 'search' | 'settings';

/** Title and icon tell what waits. */
function useTitle(chat: Chat): void {
  const waiting = [...chat.conversations.values()].reduce((sum, conversation) => sum + conversation.mentioned, 0);
  const title = `${waiting > 0 ? `(${waiting}) ` : ''}${chat.here ? chat.here.name + ' · ' : ''}${chat.network}`;
  useEffect(() => {
    document.title = title;
    const colour = waiting > 0 ? '%23c2410c' : '%232f5d50';
    const dot = waiting > 0 ? `<circle cx='25' cy='7' r='7' fill='${colour}'/>` : '';
    const icon = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect x='2' y='2' width='28' height='28' rx='9' fill='%232f5d50'/><path d='M9 21V13a3.5 3.5 0 0 1 7 0v6a3.5 3.5 0 0 0 7 0v-8' stroke='white' stroke-width='2.6' fill='none' stroke-linecap='round'/>${dot}</svg>`;
    document.getElementById('icon')?.setAttribute('href', 'data:image/svg+xml,' + icon);
  }, [title, waiting]);
}

function Header({ chat, onBack, onSearch, onMembers }: { chat: Chat; onBack(): void; onSearch(): void; onMembers(): void }) {
  const here = chat.here!;
  const leave = t('leaveRoom', { room: here.name });
  return (
    <header>
      <button class="icon back" aria-label={t('back')} onClick={onBack}><Icon name="back" /></button>
      <h1>{here.isRoom ? '# ' + here.name.slice(1) : here.name}</h1>
      <p title={here.topic}>{here.topic}</p>
      <button class="icon" aria-label={t('search')} title={t('search')} onClick={onSearch}><Icon name="search" /></button>
      {here.isRoom && <button class="icon" aria-label={t('members')} title={t('members')} onClick={onMembers}><Icon name="members" /></button>}
      <button class="icon" aria-label={leave} title={leave} onClick={() => chat.leave(here)}><Icon name="leave" /></button>
    </header>
  );
}

export function App({ chat }: { chat: Chat }) {
  useChat(chat);
  useTitle(chat);
  const [over, setOver] = useState<Over>('none');
  const [listOpen, setListOpen] = useState(false);
  const [membersOpen, setMembersOpen] = useState(matchMedia('(min-width: 1000px)').matches);
  const [reply, setReply] = useState<{ to: Said; key: string } | null>(null);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setOver('switcher');
      }
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);

  if (chat.nick === '' || chat.refusal !== '') return <Welcome chat={chat} />;
  const here = chat.here;
  const close = () => setOver('none');
  const replyTo = reply && here && reply.key === here.key ? reply.to : null;
  return (
    <div class={'app' + (listOpen ? ' list' : '') + (membersOpen && here?.isRoom ? ' people' : '')}>
      <Sidebar chat={chat} onOpen={() => setListOpen(false)} onJump={() => setOver('switcher')} onSettings={() => setOver('settings')} />
      <main aria-label={here?.name}>
        {here && <Header chat={chat} onBack={() => setListOpen(true)} onSearch={() => setOver('search')} onMembers={() => setMembersOpen(!membersOpen)} />}
        <Banner chat={chat} />
        {here && <Log key={here.key} chat={chat} conversation={here} onReply={(to) => setReply({ to, key: here.key })} />}
        {here && <Composer key={'c' + here.key} chat={chat} conversation={here} replyTo={replyTo} onReplied={() => setReply(null)} />}
        <div class="hidden" aria-live="polite">{chat.announced}</div>
      </main>
      {membersOpen && here?.isRoom && <Members chat={chat} room={here} onClose={() => setMembersOpen(false)} />}
      {over === 'switcher' && <Switcher chat={chat} onClose={close} />}
      {over === 'search' && here && <Search chat={chat} conversation={here} onClose={close} />}
      {over === 'settings' && <Settings chat={chat} onClose={close} />}
      <div class="toasts" role="status">
        {chat.toasts.map((toast) => <button key={toast.id} class="toast" onClick={() => chat.dismiss(toast.id)}>{toast.text}</button>)}
      </div>
    </div>
  );
}
